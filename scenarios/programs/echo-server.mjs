// Sends back what it gets. Port 0 would do as well, but then the client would have to be told.
import { createServer } from "node:net";

const PORT = 47_611;
createServer((socket) => socket.pipe(socket)).listen(PORT, "127.0.0.1", () => console.log("listening"));
