// Loaded into a Node.js server before its own code: tells which port it got, and ends it with whoever started it.
//
// Asked for port 0, the servers repeat the 0 in what they print; a port chosen beforehand may be taken meanwhile.

const { Server } = require("node:net");

const listen = Server.prototype.listen;
Server.prototype.listen = function (...asked) {
  this.once("listening", () => {
    const { address, port } = this.address();
    console.log(`listening on ${address}:${port}`);
  });
  return listen.apply(this, asked);
};

// A test that is killed cannot tidy up, but its end of the pipe is closed by the kernel.
process.stdin.on("end", () => process.exit(0)).resume();
