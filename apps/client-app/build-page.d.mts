import type { Plugin } from 'esbuild';

export function buildPage(options?: {
  minify?: boolean;
}): Promise<{ html: string; js: string; css: string; version: string }>;
export function pagePlugin(): Plugin;
