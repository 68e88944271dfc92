export const humanOf = (document: object, _: { colourful: boolean }): string => `${JSON.stringify(document)}\n`;
