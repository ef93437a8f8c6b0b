/** uWebSockets.js that passes every frame on to all who are connected to the same address, its sender included, and knows nothing of what is in it. */
import uws from 'uWebSockets.js';

/** What somebody who was away is sent when they come back to an address under /backlog: about what 20 messages take. */
const BACKLOG = new Uint8Array(20 * 200).fill(1);

const app = uws.App();
app.ws<{ topic: string }>('/*', {
  maxPayloadLength: 16 * 1024 * 1024,
  idleTimeout: 60,
  upgrade: (res, req, context) => {
    res.upgrade(
      { topic: req.getUrl() },
      req.getHeader('sec-websocket-key'),
      req.getHeader('sec-websocket-protocol'),
      req.getHeader('sec-websocket-extensions'),
      context,
    );
  },
  open: (ws) => {
    const { topic } = ws.getUserData();
    ws.subscribe(topic);
    if (topic.startsWith('/backlog')) ws.send(BACKLOG, true);
  },
  message: (ws, message) => {
    app.publish(ws.getUserData().topic, message, true);
  },
});
app.listen('127.0.0.1', Number(process.env.PORT), (socket) => {
  if (socket === false) process.exit(1);
  process.send?.({ is: 'ready' });
});
process.on('disconnect', () => process.exit(0));
