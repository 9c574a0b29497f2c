import { existsSync } from "node:fs";

/**
 * The directory of this package, the nearest one above this module that has a package.json. Modules are at different
 * depths in `src/`, in `dist/`, and in the bundled program.
 */
export function packageRoot(): URL {
  let directory = new URL(".", import.meta.url);
  while (!existsSync(new URL("package.json", directory)) && directory.pathname !== "/")
    directory = new URL("..", directory);
  return directory;
}
