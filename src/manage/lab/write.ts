import { formatSize } from '../../base/units.js';
import { formatAddress } from '../../wire/aoe/index.js';
import { type Lab, type LabExport, segmentInterface } from './lab.js';
import { yamlText } from './yaml-text.js';

/** A lab as the text of a lab.yaml that means the same. */
export function writeLab(lab: Lab): string {
  const hosts = lab.hosts.map(({ name, ssh, ...rest }) => [name, ssh === name ? rest : { ssh, ...rest }]);
  const segments = lab.segments.map(({ name, ...rest }) => [name, rest]);
  const document = {
    lab: lab.name,
    ...(segments.length === 0 ? {} : { segments: Object.fromEntries(segments) }),
    hosts: Object.fromEntries(hosts),
    exports: lab.exports.map((one) => writeExport(lab, one)),
  };
  const head = '# yaml-language-server: $schema=node_modules/aoe-lab/recipes/lab.schema.json\n';
  return head + yamlText(document, 120);
}

function writeExport(lab: Lab, one: LabExport): object {
  const segment = lab.segments.find(({ name }) => name === one.segment);
  const at = lab.hosts.find(({ name }) => name === one.host);
  const usual = segment && segmentInterface(segment, at);
  const {
    host,
    implementation,
    release,
    source,
    unpinned,
    file,
    size,
    loop,
    restart,
    persist,
    allow,
    options,
  } = one;
  const fields = {
    address: formatAddress(one.address),
    host,
    implementation,
    release,
    source,
    unpinned,
    segment: one.segment,
    interface: one.iface === usual ? undefined : one.iface,
    netns: one.netns === segment?.netns ? undefined : one.netns,
    file,
    size: size === undefined ? undefined : plainSize(size),
    loop,
    restart,
    persist,
    ...(allow === true ? { force: true } : { allow }),
    options: Object.keys(options).length === 0 ? undefined : options,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** `256M` where that is exact, else bytes. */
function plainSize(bytes: number): string | number {
  const [number, unit] = formatSize(bytes).split(' ') as [string, string];
  const isExact = bytes >= 1024 && /^\d+$/.test(number);
  return isExact ? `${number}${unit.charAt(0)}` : bytes;
}
