/** The beginning of a graph of one row of dimension 1, as FAISS writes it. */
export function graphBytes(): Buffer {
  const head = Buffer.alloc(37);
  head.write('IHNf', 0, 'latin1');
  head.writeInt32LE(1, 4);
  head.writeBigInt64LE(1n, 8);
  head.writeBigInt64LE(1n << 20n, 16);
  head.writeBigInt64LE(1n << 20n, 24);
  head.writeUInt8(1, 32);
  const array = (elements: number, size: number) => {
    const bytes = Buffer.alloc(8 + elements * size);
    bytes.writeBigUInt64LE(BigInt(elements), 0);
    return bytes;
  };
  const numbers = Buffer.alloc(20);
  for (const [at, value] of [0, 1, 40, 16, 1].entries()) numbers.writeInt32LE(value, 4 * at);
  return Buffer.concat([head, array(10, 8), array(11, 4), array(1, 4), array(2, 8), array(24, 4), numbers]);
}
