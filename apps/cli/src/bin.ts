#!/usr/bin/env -S node --
/** The npm form of the command line. The dashes keep Node from taking `--env-file` for itself. */
import { basename } from 'node:path';
import { main, processIo, versionLine } from './main.ts';

const name = basename(process.argv[1] ?? '') === 'agent-exec' ? 'agent-exec' : 'kanade';
process.exit(await main(process.argv.slice(2), processIo(), { name, version: versionLine }));
