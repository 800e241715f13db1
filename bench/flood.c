/* Writes blocks to stdout for so many seconds, at so many MB/s (0: as fast as it can), and says how that went. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  static char block[65536];
  if (argc < 4) return 2;
  double seconds = atof(argv[1]), rate = atof(argv[2]) * 1e6, longest = 0, written = 0;
  memset(block, 'x', sizeof block);
  for (size_t i = 99; i < sizeof block; i += 100) block[i] = '\n';
  double begin = now(), t = begin;
  while (t - begin < seconds) {
    if (rate > 0 && written > rate * (t - begin)) {
      usleep(1000);
      t = now();
      continue;
    }
    ssize_t n = write(1, block, sizeof block);
    if (n < 0) return 3;
    written += n;
    double after = now();
    if (after - t > longest) longest = after - t;
    t = after;
  }
  FILE *f = fopen(argv[3], "w");
  fprintf(f, "%.0f %.6f %.3f\n", written, t - begin, longest * 1000);
  fclose(f);
  for (;;) pause();
}
