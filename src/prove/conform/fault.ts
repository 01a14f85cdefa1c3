/** The target did not do what the case's rule says. */
export class CaseFault extends Error {}

/** The case can't be run here. */
export class SkipCase extends Error {}
