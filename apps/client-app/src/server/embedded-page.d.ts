/** Made by build-page.mjs: a file in `dist`, or a part of the program that is bundled with `pagePlugin()`. */
declare module '#page' {
  export const page: {
    readonly html: string;
    readonly js: string;
    readonly css: string;
    readonly version: string;
  };
}
