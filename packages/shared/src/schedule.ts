/** When a job runs by itself: schedules, and the times, windows and triggers in them. */
export { type At, type DayWindow, isInWindow, isSkippedDate, parseAt, parseDays } from './schedule/calendar.ts';
export { unsupportedOn } from './schedule/os-support.ts';
export {
  Active,
  Calendar,
  Constraints,
  OnFailure,
  OsEvent,
  Require,
  Rollout,
  retryOf,
  Schedule,
  scheduleDefaults,
  When,
} from './schedule/schedule.ts';
export { type StrictScheduleOptions, strictSchedule } from './schedule/strict-schedule.ts';
