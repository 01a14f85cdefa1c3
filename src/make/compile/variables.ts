/** What templates of build steps and of a recipe's `env` may name. */
export interface BuildVariables {
  implementation: string;
  release: string;
  /** How many jobs make should run at once. */
  jobs: number;
  /** Absolute path of the tree that is built; another one for each build. */
  folder: string;
  /** `$CC`, or gcc. */
  compiler: string;
  /** Folder with the kernel's headers, for a module; what make is told as `CC`, if the headers do not know. */
  headers?: string;
  moduleCompiler?: string;
}
