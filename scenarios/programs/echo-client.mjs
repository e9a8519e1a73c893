// Opens connections one after the other and sends each of its messages when the answer to the last one is there.
import { once } from "node:events";
import { connect } from "node:net";

const [connections, messages] = process.argv.slice(2).map(Number);
const PORT = 47_611;
const MESSAGE = Buffer.alloc(64, "x");

for (let c = 0; c < connections; c++) {
  const socket = connect(PORT, "127.0.0.1");
  await once(socket, "connect");
  for (let m = 0; m < messages; m++) {
    socket.write(MESSAGE);
    let received = 0;
    while (received < MESSAGE.length) received += (await once(socket, "data"))[0].length;
  }
  socket.end();
  await once(socket, "close");
}
