/**
 * Bounds of logs: some targets print a line for each frame of a kind, and whoever is on the wire sends as many as he likes.
 * Nothing stands between a target and its log, which would take the target along when it ends; the next command that changes
 * something cuts what has grown too long.
 */

/** Bytes of a log that are kept and shown. */
export const LONGEST_LOG = 16 << 20;

/** Bytes that are left of one that was longer. */
const LEFT = 256 << 10;

/** Bytes; the unit of find(1)'s sizes. */
const BLOCK = 512;

/**
 * State folder: its logs are cut in place, without a file beside them, which a full disk would not take. Their writers append
 * (O_APPEND), and go on behind what is left.
 */
export const CUT_LOGS = `find "$1/logs" -type f -name '*.log' -size +${LONGEST_LOG / BLOCK} | while IFS= read -r log; do
  end=$(tail -c ${LEFT} "$log" | tr -d '\\0') || continue
  : > "$log" && printf '%s\\n' 'aoe-lab: the lines before were cut off: they were too many' "$end" >> "$log"
done`;
