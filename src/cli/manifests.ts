import { paint, table } from './terminal.ts';

/** Checkpoints that were taken together, as HTTP serves them. */
export interface ManifestView {
  readonly manifest_id: string;
  readonly at: string;
  readonly trigger: string;
  readonly parts: readonly {
    readonly component: string;
    readonly checkpoint_id: string;
    readonly through: number | null;
  }[];
  readonly valid: boolean;
  readonly why: string | null;
}

const HEADINGS = ['TAKEN TOGETHER', 'AT', 'TRIGGER', 'COMPONENTS', 'VALID'];

export const manifestTable = (manifests: readonly ManifestView[]): string =>
  table(
    HEADINGS,
    manifests.map(({ manifest_id, at, trigger, parts, valid }) => [
      manifest_id,
      at,
      trigger,
      parts.map(({ component }) => component).join(', '),
      valid ? 'yes' : paint('red', 'no'),
    ]),
  );

/** One of them with all of its checkpoints, for people. */
export const manifestText = (manifest: ManifestView): string =>
  [
    manifestTable([manifest]),
    ...(manifest.why === null ? [] : [`It cannot be gone back to: ${manifest.why}.`]),
    table(
      ['COMPONENT', 'CHECKPOINT', 'THROUGH'],
      manifest.parts.map(({ component, checkpoint_id, through }) => [component, checkpoint_id, String(through ?? '-')]),
    ),
  ].join('\n');
