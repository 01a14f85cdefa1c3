import type { Control } from '../../make/recipe/schema.js';

/** What is to serve the export: a build and the way to drive it. */
export interface Served {
  implementation: string;
  release: string;
  control: Control;
  /** Digest that names the build. */
  build: string;
  /** Files on this machine. */
  artifacts: { name: string; path: string }[];
  /** Path of node on the host, of a target of this package. */
  node?: string;
}
