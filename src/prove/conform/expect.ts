import {
  AtaError,
  AtaStatus,
  describeAoeError,
  describeAtaStatus,
  dissection,
  HeaderFlag,
  SECTOR,
} from '../../wire/aoe/index.js';
import { CaseFault } from './fault.js';
import type { Answer } from './wire-log.js';

/** What cases expect of answers; each throws CaseFault with what was seen instead. */
export class Expectations {
  fail(seen: string): never {
    throw new CaseFault(seen);
  }

  isTrue(holds: boolean, seen: string): void {
    if (!holds) throw new CaseFault(seen);
  }

  equal(seen: unknown, expected: unknown, what: string): void {
    if (seen !== expected) this.fail(`${what}: ${show(seen)} instead of ${show(expected)}`);
  }

  oneOf(seen: unknown, expected: readonly unknown[], what: string): void {
    if (!expected.includes(seen))
      this.fail(`${what}: ${show(seen)} instead of ${expected.map(show).join(' or ')}`);
  }

  sameBytes(seen: Buffer, expected: Buffer, what: string): void {
    if (seen.equals(expected)) return;
    if (seen.length !== expected.length)
      this.fail(`${what}: ${seen.length} bytes instead of ${expected.length}`);
    const at = seen.findIndex((byte, index) => byte !== expected[index]);
    const part = (bytes: Buffer) => bytes.subarray(at, at + 8).toString('hex');
    this.fail(`${what}: from byte ${at} on ${part(seen)} instead of ${part(expected)}`);
  }

  words(answer: Answer): string {
    return dissection(answer).text;
  }

  isRefusal(answer: Answer): boolean {
    if (answer.header.flags & HeaderFlag.error) return true;
    if (answer.kind === 'mask') return answer.mask.merror !== 0;
    return answer.kind === 'ata' && (answer.ata.cmdStatus & (AtaStatus.error | AtaStatus.fault)) !== 0;
  }

  /** That an answer bears no error of AoE's. */
  noError(answer: Answer): void {
    const { flags, error } = answer.header;
    if (flags & HeaderFlag.error) this.fail(`AoE error ${describeAoeError(error)}`);
  }

  /** That an answer bears one of these errors of AoE's. */
  aoeError(answer: Answer, ...codes: number[]): void {
    const { flags, error } = answer.header;
    const expected = codes.map(describeAoeError).join(' or ');
    if ((flags & HeaderFlag.error) === 0) {
      this.fail(`no AoE error, expected ${expected}: ${this.words(answer)}`);
    }
    if (!codes.includes(error)) this.fail(`AoE error ${describeAoeError(error)} instead of ${expected}`);
  }

  /** That an answer is one to an ATA command which was done. */
  ataDone(answer: Answer): void {
    this.noError(answer);
    if (answer.kind !== 'ata') this.fail(`the answer is to another command: ${answer.kind}`);
    const { cmdStatus, errFeature } = answer.ata;
    if (cmdStatus & (AtaStatus.error | AtaStatus.fault | AtaStatus.busy)) {
      this.fail(describeAtaStatus(cmdStatus, errFeature));
    }
  }

  /** That an ATA command failed, with at least one of these bits in its error register. */
  ataFailed(answer: Answer, errors: number): void {
    if (answer.kind !== 'ata') this.fail(`the answer is to another command: ${answer.kind}`);
    this.noError(answer);
    const { cmdStatus, errFeature } = answer.ata;
    if ((cmdStatus & AtaStatus.error) === 0)
      this.fail(`no error: ${describeAtaStatus(cmdStatus, errFeature)}`);
    if ((errFeature & errors) === 0) {
      this.fail(`${describeAtaStatus(cmdStatus, errFeature)}, expected error ${describeBits(errors)}`);
    }
  }

  /** That an answer refuses, by an error of AoE's or of ATA's. */
  refused(answer: Answer): void {
    if (!this.isRefusal(answer)) this.fail(`no error: ${this.words(answer)}`);
  }

  /** The sectors of an answer to a read or identify. */
  data(answer: Answer, count: number): Buffer {
    this.ataDone(answer);
    const { data } = answer as Answer & { kind: 'ata' };
    if (data.length !== count * SECTOR)
      this.fail(`${data.length / SECTOR} sectors of data instead of ${count}`);
    return data;
  }

  /** The string of an answer to query config. */
  configString(answer: Answer): Buffer {
    this.noError(answer);
    if (answer.kind !== 'config') this.fail(`the answer is to another command: ${answer.kind}`);
    return answer.config.string;
  }

  config(answer: Answer): (Answer & { kind: 'config' })['config'] {
    this.configString(answer);
    return (answer as Answer & { kind: 'config' }).config;
  }

  /** The addresses in an answer to the mask list command, in order of their value. */
  maskList(answer: Answer): number[] {
    this.noError(answer);
    if (answer.kind !== 'mask') this.fail(`the answer is to another command: ${answer.kind}`);
    if (answer.mask.merror !== 0) this.fail(`mask list error ${answer.mask.merror}`);
    return answer.mask.directives.map(({ mac }) => mac).sort((a, b) => a - b);
  }

  maskError(answer: Answer, error: number): void {
    this.noError(answer);
    if (answer.kind !== 'mask') this.fail(`the answer is to another command: ${answer.kind}`);
    this.equal(answer.mask.merror, error, 'mask list error');
  }

  /** The addresses in an answer to reserve/release, in order of their value. */
  reservation(answer: Answer): number[] {
    this.noError(answer);
    if (answer.kind !== 'reserve') this.fail(`the answer is to another command: ${answer.kind}`);
    return [...answer.reserve.macs].sort((a, b) => a - b);
  }

  /** That two lists have the same members. */
  sameList(seen: readonly number[], expected: readonly number[], what: string): void {
    const sorted = [...expected].sort((a, b) => a - b);
    if (seen.length !== sorted.length || seen.some((item, index) => item !== sorted[index])) {
      this.fail(`${what}: ${list(seen)} instead of ${list(sorted)}`);
    }
  }
}

function describeBits(errors: number): string {
  const names = Object.entries(AtaError).filter(([, bit]) => errors & bit);
  return names.map(([name, bit]) => `0x${bit.toString(16).padStart(2, '0')} (${name})`).join(' or ');
}

function show(value: unknown): string {
  if (typeof value === 'number') return value > 9 ? `${value} (0x${value.toString(16)})` : String(value);
  if (Buffer.isBuffer(value)) return `"${value.toString('latin1')}"`;
  return String(value);
}

function list(macs: readonly number[]): string {
  if (macs.length === 0) return 'nothing';
  const first = macs.slice(0, 4).map((mac) => mac.toString(16).padStart(12, '0'));
  return `${first.join(', ')}${macs.length > 4 ? ` and ${macs.length - 4} more` : ''}`;
}
