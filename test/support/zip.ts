import { crc32, deflateRawSync } from 'node:zlib';

/** One entry of a test zip; everything past `content` is there to lie with. */
export interface ZipEntry {
  readonly name: string;
  readonly content: string | Buffer;
  readonly stored?: boolean;
  /** Unix mode, file type included (0o120777 is a symbolic link). */
  readonly mode?: number;
  readonly flags?: number;
  readonly method?: number;
  readonly declaredSize?: number;
  readonly declaredCrc?: number;
  /** Use the bytes of the entry with this index instead of writing any. */
  readonly sameBytesAs?: number;
}

/** The bytes of a zip file, as honest as its entries. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const pieces: Buffer[] = [];
  const directory: Buffer[] = [];
  const offsets: number[] = [];
  let at = 0;
  for (const entry of entries) {
    const content = Buffer.from(entry.content);
    const packed = entry.stored === true ? content : deflateRawSync(content);
    const name = Buffer.from(entry.name);
    const fields = fieldsOf(entry, content, packed, name);
    const offset = entry.sameBytesAs === undefined ? at : offsets[entry.sameBytesAs]!;
    offsets.push(offset);
    if (entry.sameBytesAs === undefined) {
      const local = Buffer.concat([uint32(0x04034b50), uint16(20), fields, uint16(0), name, packed]);
      pieces.push(local);
      at += local.length;
    }
    directory.push(
      Buffer.concat([
        uint32(0x02014b50),
        uint16(0x0314),
        uint16(20),
        fields,
        uint16(0),
        uint16(0),
        uint16(0),
        uint16(0),
        uint32(((entry.mode ?? 0o100644) << 16) >>> 0),
        uint32(offset),
        name,
      ]),
    );
  }
  const index = Buffer.concat(directory);
  const count = uint16(entries.length);
  const end = [
    uint32(0x06054b50),
    uint16(0),
    uint16(0),
    count,
    count,
    uint32(index.length),
    uint32(at),
    uint16(0),
  ];
  return Buffer.concat([...pieces, index, ...end]);
}

/** What local and central headers share: flags to name length. */
function fieldsOf(entry: ZipEntry, content: Buffer, packed: Buffer, name: Buffer): Buffer {
  return Buffer.concat([
    uint16(entry.flags ?? 0x0800),
    uint16(entry.method ?? (entry.stored === true ? 0 : 8)),
    uint32(0),
    uint32(entry.declaredCrc ?? crc32(content)),
    uint32(packed.length),
    uint32(entry.declaredSize ?? content.length),
    uint16(name.length),
  ]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
