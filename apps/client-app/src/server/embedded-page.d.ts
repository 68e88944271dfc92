/** Made by `pagePlugin()` of build-page.mjs while the program is bundled. */
declare module 'kanade:page' {
  export const page: {
    readonly html: string;
    readonly js: string;
    readonly css: string;
    readonly version: string;
  };
}
