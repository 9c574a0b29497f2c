// Loaded into a server under attack: at SIGUSR2 it collects its garbage, so that what is left of its memory is in use.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
process.on("SIGUSR2", () => {
  for (let i = 0; i < 4; i++) setTimeout(collect, 10 * i);
});
