/**
 * As much of the ELF format as is needed to see which symbols a shared library asks of which glibc version, and to point some of them
 * elsewhere. 64 bit, little endian. Sources: elf(5); System V ABI; "Symbol Versioning" of the Linux Standard Base.
 *
 *   .dynsym         one entry of 24 bytes per symbol; the first 4 bytes, st_name, are an offset into .dynstr
 *   .gnu.version    2 bytes per symbol: the index of the version it wants
 *   .gnu.version_r  per library a Verneed (16 bytes) and a chain of Vernaux (16 bytes): hash, flags, index, name (offset into .dynstr), next
 */
const SYMBOL_BYTES = 24;
const SHT_DYNSYM = 11;
const SHT_GNU_VERNEED = 0x6ffffffe;
const SHT_GNU_VERSYM = 0x6fffffff;

/**
 * @typedef {{ at: number, nameOffset: number, name: string, version: number }} Wanted a symbol from elsewhere; `at` is where st_name stands
 * @typedef {{ at: number, library: string, index: number, nameOffset: number, name: string }} Version `at` is where the Vernaux stands
 */

/**
 * @param {Buffer} bytes
 * @returns {{ symbols: Wanted[], versions: Version[] } | undefined} nothing for what is not such a file
 */
export function readElf(bytes) {
  try {
    if (bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) return undefined;
    const sections = readSections(bytes);
    const only = (type) => sections.find((one) => one.type === type);
    const dynsym = only(SHT_DYNSYM);
    const versym = only(SHT_GNU_VERSYM);
    const verneed = only(SHT_GNU_VERNEED);
    if (!dynsym || !versym || !verneed) return undefined;
    const strings = sections[dynsym.link];
    const text = (offset) => {
      const start = strings.offset + offset;
      return bytes.toString('latin1', start, bytes.indexOf(0, start));
    };
    return { symbols: readSymbols(bytes, dynsym, versym, text), versions: readVersions(bytes, verneed, text) };
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined; // offsets that lead out of the file
    throw error;
  }
}

function readSections(bytes) {
  const start = Number(bytes.readBigUInt64LE(0x28));
  const size = bytes.readUInt16LE(0x3a);
  return Array.from({ length: bytes.readUInt16LE(0x3c) }, (_, n) => {
    const at = start + n * size;
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
      info: bytes.readUInt32LE(at + 44),
    };
  });
}

function readSymbols(bytes, dynsym, versym, text) {
  const symbols = [];
  for (let n = 0; n < dynsym.size / SYMBOL_BYTES; n++) {
    const at = dynsym.offset + n * SYMBOL_BYTES;
    const isDefinedHere = bytes.readUInt16LE(at + 6) !== 0;
    if (isDefinedHere) continue;
    const nameOffset = bytes.readUInt32LE(at);
    const version = bytes.readUInt16LE(versym.offset + n * 2) & 0x7fff;
    symbols.push({ at, nameOffset, name: text(nameOffset), version });
  }
  return symbols;
}

function readVersions(bytes, verneed, text) {
  const versions = [];
  let need = verneed.offset;
  for (let n = 0; n < verneed.info; n++) {
    const library = text(bytes.readUInt32LE(need + 4));
    let at = need + bytes.readUInt32LE(need + 8);
    for (let m = 0; m < bytes.readUInt16LE(need + 2); m++) {
      const nameOffset = bytes.readUInt32LE(at + 8);
      versions.push({ library, at, index: bytes.readUInt16LE(at + 6), nameOffset, name: text(nameOffset) });
      at += bytes.readUInt32LE(at + 12);
    }
    need += bytes.readUInt32LE(need + 12);
  }
  return versions;
}

/** The hash that stands beside a version's name. */
export function elfHash(name) {
  let hash = 0;
  for (const byte of Buffer.from(name, 'latin1')) {
    hash = ((hash << 4) + byte) >>> 0;
    const high = hash & 0xf0000000;
    hash = ((hash ^ (high >>> 24)) & ~high) >>> 0;
  }
  return hash;
}
