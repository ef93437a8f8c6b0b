/**
 * Makes the uWebSockets.js addon loadable where glibc is older than 2.38 (Debian 12, Ubuntu 22.04).
 *
 * All the addon wants from 2.38 are `__isoc23_sscanf`, `__isoc23_strtol` and `__isoc23_strtoul`, which differ from the plain functions
 * only in C23's binary literals. So the three names lose their prefix (st_name moves forward by its length), and the entry `GLIBC_2.38`
 * becomes the oldest version of the platform, which the file names already.
 *
 * From 2.36 it wants `arc4random`, for libstdc++'s std::random_device, which nothing in the addon makes (BoringSSL has its own source): so
 * that one symbol and its version become weak, which is ELF's word for "may be missing". Nothing else of the file changes. Were the function
 * called all the same where it is missing, the process would end at address 0: never would a weaker number take its place.
 *
 * Only a file that looks exactly as expected is touched, always from its pristine bytes, which stay beside it as `….pristine`.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { elfHash, readElf } from './elf.mjs';

/** The C library whose `GLIBC_2.38` entry goes away. */
const LIBC = 'libc.so.6';
const TOO_NEW = 'GLIBC_2.38';
const PREFIX = '__isoc23_';
const KNOWN = new Set(['__isoc23_sscanf', '__isoc23_strtol', '__isoc23_strtoul']);
const UNUSED = { name: 'arc4random', version: 'GLIBC_2.36' };
/** elf(5): where a symbol's binding stands after st_name, and a wanted version's flags after its hash. */
const ST_INFO = 4;
const STB_WEAK = 2;
const VNA_FLAGS = 4;
const VER_FLG_WEAK = 2;
/** The version that a platform's first functions carry: x64, else arm64. An x64 file may name the second too, but its functions do not. */
const OLDEST = ['GLIBC_2.2.5', 'GLIBC_2.17'];
/** Node 24, which the project brings along. */
const NODE_ABI = 137;

/**
 * The addon without its wish for glibc 2.38.
 * @param {Buffer} pristine
 * @returns {{ ok: true, bytes: Buffer, needs: string } | { ok: false, why: string, done?: true }} `needs`: the glibc it still wants
 */
export function patch(pristine) {
  const elf = readElf(pristine);
  if (elf === undefined) return refuse('it is not a 64-bit ELF library with symbol versions');
  const ofLibc = elf.versions.filter((one) => one.library === LIBC);
  const tooNew = ofLibc.find((one) => one.name === TOO_NEW);
  if (tooNew === undefined) return { ok: false, done: true, why: `it asks for no ${TOO_NEW}` };
  const oldest = OLDEST.map((name) => ofLibc.find((one) => one.name === name)).find((one) => one !== undefined);
  if (oldest === undefined) return refuse(`it names none of ${OLDEST.join(', ')}`);
  if (elf.versions.some((one) => one.library !== LIBC && one.name === TOO_NEW))
    return refuse(`another library than ${LIBC} is asked for ${TOO_NEW}`);

  const wanted = elf.symbols.filter((one) => one.version === tooNew.index);
  const unknown = wanted.filter((one) => !KNOWN.has(one.name));
  if (unknown.length > 0) return refuse(`it also asks for ${unknown.map((one) => one.name).join(', ')}`);
  if (wanted.length === 0) return refuse(`nothing in it uses ${TOO_NEW}`);

  const bytes = Buffer.from(pristine);
  for (const symbol of wanted) bytes.writeUInt32LE(symbol.nameOffset + PREFIX.length, symbol.at);
  bytes.writeUInt32LE(elfHash(oldest.name), tooNew.at);
  bytes.writeUInt32LE(oldest.nameOffset, tooNew.at + 8);
  const optional = ofLibc.find((one) => one.name === UNUSED.version);
  const isWeak = optional !== undefined && weaken(bytes, elf, optional);
  return { ok: true, bytes, needs: newest(ofLibc.filter((one) => one !== tooNew && !(isWeak && one === optional))) };
}

/** Lets a version be missing, if all that the addon wants from it is what it does not use. */
function weaken(bytes, elf, version) {
  const symbols = elf.symbols.filter((one) => one.version === version.index);
  if (symbols.some((one) => one.name !== UNUSED.name)) return false;
  for (const { at } of symbols) bytes[at + ST_INFO] = (STB_WEAK << 4) | (bytes[at + ST_INFO] & 0x0f);
  bytes.writeUInt16LE(bytes.readUInt16LE(version.at + VNA_FLAGS) | VER_FLG_WEAK, version.at + VNA_FLAGS);
  return true;
}

const refuse = (why) => ({ ok: false, why });

const numbers = (version) => version.replace('GLIBC_', '').split('.').map(Number);

/** Is version `a` older than `b`? Both like `2.36`. */
export function isOlder(a, b) {
  const [x, y] = [numbers(a), numbers(b)];
  return x[0] !== y[0] ? x[0] < y[0] : (x[1] ?? 0) < (y[1] ?? 0);
}

const newest = (versions) =>
  versions.map((one) => one.name.replace('GLIBC_', '')).reduce((a, b) => (isOlder(a, b) ? b : a));

/** This machine's glibc, like `2.36`; nothing where there is none (macOS, musl). */
function glibcVersion() {
  process.report.excludeNetwork = true; // it would look up names, which takes seconds without a network
  return process.report.getReport().header.glibcVersionRuntime;
}

/**
 * Patches the installed addon if this machine needs it.
 * @param {{ root: string, say: (line: string) => void, glibc?: string }} where
 * @returns {boolean} whether the addon can be expected to load
 */
export function makeAddonLoadable({ root, say, glibc = process.platform === 'linux' ? glibcVersion() : undefined }) {
  if (process.platform !== 'linux') return true;
  if (glibc === undefined) {
    say(
      'uWebSockets.js needs glibc, and this Linux has another C library: use the container image, or a distribution with glibc.',
    );
    return false;
  }
  if (!isOlder(glibc, '2.38')) return true;
  const file = join(root, `node_modules/uWebSockets.js/uws_linux_${process.arch}_${NODE_ABI}.node`);
  if (!existsSync(file)) {
    say(`uWebSockets.js has no addon for ${process.arch} and Node 24.`);
    return false;
  }
  const present = readFileSync(file);
  const kept = `${file}.pristine`;
  const isPatched = existsSync(kept) && patch(present).done === true;
  const pristine = isPatched ? readFileSync(kept) : present;
  const result = patch(pristine);
  if (!result.ok && result.done) return true;
  if (!result.ok) {
    say(`${basename(file)} was left as it is, because ${result.why}; it will not load with glibc ${glibc}.`);
    return false;
  }
  if (isOlder(glibc, result.needs)) {
    say(
      `uWebSockets.js needs glibc ${result.needs} (Debian 12, Ubuntu 22.04 or newer); this machine has ${glibc}. Use the container image instead.`,
    );
    return false;
  }
  if (result.bytes.equals(present)) return true;
  writeFileSync(kept, pristine);
  writeFileSync(`${file}.patched`, result.bytes, { mode: 0o755 });
  renameSync(`${file}.patched`, file);
  say(`${basename(file)} now loads with this machine's glibc ${glibc} (the original is kept beside it as .pristine).`);
  return true;
}
