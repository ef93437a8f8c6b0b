/** One file, as plainly as it can be given: by node:http piping it, and by uWebSockets.js with the pieces and the back-pressure that the relay has. */
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import uws from 'uWebSockets.js';

const [path = ''] = process.argv.slice(2);
const { size } = statSync(path);

const plain = createServer((_request, response) => {
  response.writeHead(200, { 'content-length': size });
  createReadStream(path).pipe(response);
});
await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));

const app = uws.App().get('/*', (res) => {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  let waiting: { chunk: Buffer; from: number } | null = null;
  res.onAborted(() => file.destroy());
  res.onWritable((offset) => {
    if (waiting === null) return true;
    const [taken, done] = res.tryEnd(waiting.chunk.subarray(offset - waiting.from), size);
    if (taken && !done) file.resume();
    return taken;
  });
  file.on('data', (chunk) => {
    const from = res.getWriteOffset();
    res.cork(() => {
      const [taken, done] = res.tryEnd(chunk, size);
      if (taken || done) return;
      waiting = { chunk: chunk as Buffer, from };
      file.pause();
    });
  });
});
app.listen('127.0.0.1', 0, (socket) => {
  if (socket === false) process.exit(1);
  const uwsPort = uws.us_socket_local_port(socket as unknown as uws.us_socket);
  process.send?.({ node: (plain.address() as AddressInfo).port, uws: uwsPort });
});
