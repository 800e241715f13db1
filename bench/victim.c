/* victim LOG [chat|exit]: the first thing it does is to write "S PID NANOSECONDS" (CLOCK_MONOTONIC) to LOG, so that
 * the time from the kill of one to the first instruction of the next can be read. Then it sleeps for ever, or
 * writes a line to stdout every 100 ms (chat), or ends at once with code 1 (exit). */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (argc < 2) return 2;
  char line[96];
  int length = snprintf(line, sizeof line, "S %d %lld\n", (int)getpid(), now.tv_sec * 1000000000LL + now.tv_nsec);
  int log = open(argv[1], O_WRONLY | O_APPEND | O_CREAT, 0644);
  if (log < 0 || write(log, line, length) != length) return 3;
  close(log);
  if (argc > 2 && !strcmp(argv[2], "exit")) return 1;
  if (argc > 2 && !strcmp(argv[2], "chat"))
    for (;;) {
      if (write(1, "chat chat chat\n", 15) < 0) return 4;
      usleep(100000);
    }
  for (;;) pause();
}
