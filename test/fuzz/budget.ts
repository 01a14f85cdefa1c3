/**
 * Frames that a run tries: 10,000 a property in the ordinary tests; `AOE_LAB_FUZZ_FRAMES=1000000` for a long run by
 * hand, `AOE_LAB_FUZZ_SEED` to repeat one.
 */
export const FRAMES = Number(process.env.AOE_LAB_FUZZ_FRAMES ?? 10_000);
export const SEED = Number(process.env.AOE_LAB_FUZZ_SEED ?? Date.now() % 2 ** 31);
/** Time that ava allows a test for them. */
export const TIMEOUT = 60_000 + FRAMES;
