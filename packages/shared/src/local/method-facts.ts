/** Facts of the methods that are not shapes. */

/** What absent params and results mean; a writer leaves these out. */
export const localDefaults = {
  'system.log_tail': { params: { lines: 200 }, result: { truncated: false } },
  'notifications.list': { params: { filter: 'unread', limit: 50 } },
  'support.upload_diagnostics': { params: { summary: '' } },
  'maintenance.list': { params: { window_days: 7 } },
} as const;

/** Most that a list gives, whatever was asked for. */
export const localListMax = { logTailLines: 1000, notifications: 200, maintenanceDays: 30 } as const;

/** What any method may answer. */
export const commonErrors = ['InvalidRequest', 'MethodNotFound', 'InvalidParams', 'InternalError'] as const;
