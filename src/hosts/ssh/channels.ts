/**
 * How many channels of a connection may be open at once, by what they are for: OpenSSH's sshd takes 10 (MaxSessions).
 * The tenth is SFTP's, even if it was refused: ssh2 does not close it then. What ends a command must not wait behind commands.
 */
export const CHANNELS = { command: 3, shell: 3, lock: 2, kill: 1 };

export type Lane = keyof typeof CHANNELS;
