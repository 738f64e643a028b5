// Given to `node --import`: writes the URL of every module that was loaded, one a line, to the file LOADED_FILES names.
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const loaded = new Set<string>();

registerHooks({
  load(url, context, nextLoad) {
    loaded.add(url);
    return nextLoad(url, context);
  },
});

process.once('exit', () => writeFileSync(process.env['LOADED_FILES'] ?? '', [...loaded].join('\n')));
