import * as z from 'zod';
import { optional } from '../scalar/field.ts';
import { Id } from '../scalar/id.ts';

const quality = optional(z.int().min(1).max(100));
const fps = optional(z.int().positive());

/** Control of a screen session, on `remote.ctrl.<pc_id>`. `stop` may come twice. */
export const RemoteControl = z.discriminatedUnion('op', [
  z.looseObject({
    op: z.literal('start'),
    session_id: Id,
    output_index: optional(z.int().nonnegative()),
    quality,
    max_fps: fps,
    allow_input: optional(z.boolean()),
  }),
  z.looseObject({ op: z.literal('stop'), session_id: Id }),
  z.looseObject({ op: z.literal('tune'), session_id: Id, quality, max_fps: fps }),
]);
export type RemoteControl = z.infer<typeof RemoteControl>;

/** What an absent field of `start` means; in `tune` absent means unchanged. */
export const remoteStartDefaults = { output_index: 0, quality: 75, max_fps: 10, allow_input: false } as const;

export const RemoteControlReply = z.looseObject({
  accepted: z.boolean(),
  reason: optional(z.string()),
  screen_w: optional(z.int().nonnegative()),
  screen_h: optional(z.int().nonnegative()),
});
export type RemoteControlReply = z.infer<typeof RemoteControlReply>;

/** The kinds of input that travel on `remote.input.<session_id>`, in desktop pixels. Their fields are the sender's. */
export const RemoteInput = z.looseObject({
  kind: z.enum(['mouse_move', 'mouse_button', 'mouse_wheel', 'key', 'text']),
});
export type RemoteInput = z.infer<typeof RemoteInput>;

/** The headers of one tile on `remote.frame.<session_id>`; the body is the picture. All are required. */
export const tileHeaders = {
  seq: 'Kanade-Frame-Seq',
  index: 'Kanade-Tile-Index',
  count: 'Kanade-Tile-Count',
  x: 'Kanade-Tile-X',
  y: 'Kanade-Tile-Y',
  width: 'Kanade-Tile-W',
  height: 'Kanade-Tile-H',
  screenWidth: 'Kanade-Screen-W',
  screenHeight: 'Kanade-Screen-H',
  encoding: 'Kanade-Encoding',
  capturedAt: 'Kanade-Captured-At',
} as const;

type TileNumber = Exclude<keyof typeof tileHeaders, 'encoding' | 'capturedAt'>;
export type Tile = { readonly [K in TileNumber]: number } & {
  readonly encoding: 'jpeg' | 'webp';
  readonly capturedAt: string;
};
export type TileRead = { readonly ok: true; readonly tile: Tile } | { readonly ok: false; readonly reason: string };

/** Reads the headers of a tile; one that lies outside its screen, or whose index is not below the count, is refused. */
export function readTile(headers: Readonly<Record<string, string | undefined>>): TileRead {
  const numbers: Partial<Record<TileNumber, number>> = {};
  for (const [field, name] of Object.entries(tileHeaders)) {
    const text = headers[name];
    if (text === undefined || text === '') return { ok: false, reason: `header ${name} is missing` };
    if (field === 'encoding' || field === 'capturedAt') continue;
    if (!/^\d{1,15}$/.test(text)) return { ok: false, reason: `header ${name} is not a number: ${text}` };
    numbers[field as TileNumber] = Number(text);
  }
  const encoding = headers[tileHeaders.encoding];
  if (encoding !== 'jpeg' && encoding !== 'webp') return { ok: false, reason: `unknown encoding: ${encoding}` };
  const tile = {
    ...(numbers as Record<TileNumber, number>),
    encoding,
    capturedAt: headers[tileHeaders.capturedAt] ?? '',
  };
  if (tile.index >= tile.count) return { ok: false, reason: `tile ${tile.index} of ${tile.count}` } as const;
  const fits = tile.x + tile.width <= tile.screenWidth && tile.y + tile.height <= tile.screenHeight;
  if (!fits || tile.width === 0 || tile.height === 0) return { ok: false, reason: 'the tile lies outside its screen' };
  return { ok: true, tile: tile as Tile };
}
