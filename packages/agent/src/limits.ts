/** Every bound of the agent, each with its unit in its name. */
export const limits = {
  /** Output of one stream that goes into a result, in bytes: two thirds from its beginning, one third from its end. */
  outputBytesMax: 8 * 1024 * 1024,
  /** Output that is read at a time on its way into the object store, in bytes. */
  pieceBytes: 128 * 1024,
  /** Results with long output that are on their way at a time: their output takes the line from others. */
  longResultsMax: 2,
  /** Output of one stream in the last push of a run, in bytes. */
  pushOutputBytesMax: 256 * 1024,
  /** The same as JSON text, in bytes: two streams and their frame stay below the 1 MiB of a local message. */
  pushOutputJsonBytesMax: 480 * 1024,
  /** Output of one stream in one push while a run goes on, in bytes. */
  pushChunkBytesMax: 64 * 1024,
  /** How far a push may lag behind the output, in bytes per stream, before it skips to the newest part. */
  pushLagBytesMax: 128 * 1024,
  /**
   * Output in the answer to who asks for a part of it, in bytes: the first that stays within so many bytes as JSON text, and so below the
   * 1 MiB of a local message. The last one does whatever it holds: a byte becomes six at most.
   */
  outputPartBytes: [760 * 1024, 384 * 1024, 128 * 1024],
  outputPartJsonBytesMax: 1_000_000,
  /** Runs of one user that go on at a time; a click beyond it is refused. */
  userRunsMax: 16,
  /** Endings that are told to who comes back: how many, from how long ago in ms, and with how much of each stream in bytes. */
  missedRunsMax: 30,
  missedMs: 24 * 3_600_000,
  missedOutputBytesMax: 32 * 1024,
  /** Notifications that are kept. */
  noticesMax: 500,
  /** Read marks of this machine that are taken back from the broker after a loss, the newest ones. */
  marksMax: 10_000,
  /** Characters of a toast; its text is cut. */
  toastTitleCharsMax: 200,
  toastBodyCharsMax: 1_000,
  /** How long after it was issued a notification is shown to who comes to the machine, in ms. */
  toastWithinMs: 7 * 24 * 3_600_000,
  /** Toasts that one person gets at once; the newest ones. */
  toastsAtOnceMax: 5,
  /** How long a session may be without a notification server of its own before the bus is asked to start one, in ms. */
  toastServerMs: 60_000,
  /** Waits before a toast that could not be shown is tried again, in ms; behind the last one the next login or notification is waited for. */
  toastRetriesMs: [2_000, 10_000, 60_000, 300_000],
  /** How long one call on the bus of a person may take, in ms, and characters of what is told of one that failed. */
  toastCallMs: 4_000,
  toastDetailCharsMax: 300,
  /** Wrong support codes of one user: so many within the window, in ms, lock for as long. */
  supportTriesMax: 5,
  supportWindowMs: 300_000,
  /** Support codes that wait to be judged, and characters of one. */
  supportWaitingMax: 8,
  supportCodeCharsMax: 256,
  /** Diagnostics that a person sends: characters of what they say, in brief and at length. */
  diagnosticsSummaryMax: 300,
  diagnosticsDetailMax: 4_000,
  /** Bytes of the log in them, of each other file, and characters of one line; as JSON text they stay below the 1 MiB of a local message. */
  diagnosticsLogBytesMax: 192 * 1024,
  diagnosticsFileBytesMax: 64 * 1024,
  diagnosticsLineCharsMax: 16 * 1024,
  /** How long they are kept for who reads them before sending, in ms, and for how many users at a time. */
  diagnosticsKeptMs: 15 * 60_000,
  diagnosticsPreviewsMax: 16,
  /** Uploads of one user within the window, in ms; how long one is tried while that user waits, in ms; archives that wait for the broker. */
  diagnosticsUploadsMax: 5,
  diagnosticsWindowMs: 3_600_000,
  diagnosticsSendMs: 10_000,
  diagnosticsWaitingMax: 20,
  /** Time between two pushes of new output, in ms. */
  pushEveryMs: 400,
  /** Bytes of a question about a run or the log. */
  questionBytesMax: 4096,
  /** Output of one stream in the answer to who watches a run, in bytes; less where the broker carries less. */
  tailBytesMax: 64 * 1024,
  /** How long an answer may be held back while there is nothing new, in ms, and how many may be at a time; above it they come at once. */
  heldAnswerMs: 20_000,
  heldAnswersMax: 100,
  /** Bytes of the configuration file. */
  configFileBytesMax: 64 * 1024,
  /** Bytes of the file of the agent's own log, of which there are two, and of an answer to who reads it. */
  logFileBytesMax: 4 * 1024 * 1024,
  logAnswerBytesMax: 256 * 1024,
  /** Bytes of the files of days gone by, where the log is kept by days; beyond it the oldest go. */
  logDaysBytesMax: 256 * 1024 * 1024,
  /** How long nothing is written to that file after it found no room on the disk, in ms. */
  logQuietMs: 60_000,
  /** Time between two looks at output that is watched, beside those that the system asks for, in ms. */
  tailLookMs: 250,
  /** Time that a workload gets between TERM and KILL, in ms. */
  stopGraceMs: 5_000,
  /** Orders that came together and are admitted in one commit. */
  admittedTogetherMax: 64,
  /** Bytes of one command; more than a broker carries. */
  commandBytesMax: 1024 * 1024,
  /** Bytes of one that is too long, up to which it is looked at for whom to answer. */
  unreadBytesMax: 8 * 1024 * 1024,
  /** Events that are sent in a minute; those over it are counted. */
  eventsPerMinuteMax: 60,
  /** Orders that the admission ledger holds, by door; further ones are refused, none is forgotten early. No door can fill it for another. */
  fleetAdmissionsMax: 80_000,
  localAdmissionsMax: 20_000,
  /** Runs of one user that it holds. */
  userAdmissionsMax: 5_000,
  /** What orders may say whose runs have not ended, in bytes in all; further ones are refused until some have. */
  openOrderBytesMax: 512 * 1024 ** 2,
  /** Bytes of an order that are kept after its run has ended: with the number of orders, 196 MiB at most. */
  endedOrderBytesMax: 2 * 1024,
  /** What the directories of ended runs may take on the disk, in bytes; over it the oldest go. With the orders above, 2 GiB. */
  endedBytesMax: 2 * 1024 ** 3 - 708 * 1024 ** 2,
  /** What they may take while results that wait for the broker are made from them, in bytes: the broker was away for long. */
  waitingBytesMax: 3 * 1024 ** 3 - 708 * 1024 ** 2,
  /** What the logs of such a run are brought down to before any goes, in bytes: of each stream an eighth of it from the beginning and a quarter from the end stay, more than a result shows. */
  trimmedJobBytes: 64 * 1024 * 1024,
  /** Time between two looks at what they take, in ms. */
  budgetEveryMs: 300_000,
  /** How long an ended run, its order and its output are kept, in ms: the broker's 7 days and one day for clocks. */
  keepEndedMs: 8 * 24 * 3_600_000,
  /** Time between two looks for runs that need not be kept any more, in ms. */
  pruneEveryMs: 3_600_000,
  /** Most ids that one line of the log names. */
  loggedIdsMax: 20,
  /** Wait before an ending that could not be committed is tried again, in ms. */
  commitRetryMs: 5_000,
  /** How long runs of an earlier agent wait for what the broker says about them before they go by what it last said, in ms. */
  brokerWaitMs: 30_000,
  /** What one timer can count, in ms. */
  timerMsMax: 2 ** 31 - 1,
  /** Bytes of what was collected as a finalizer reads it in its environment: one variable holds 128 KiB. */
  collectResultBytesMax: 96 * 1024,
  /** Longest time between two looks at the deadline of an order that waits, in ms. */
  deadlineLookMs: 60_000,
  /** Wait for the record of a job whose launch was interrupted, in ms: whoever was being started has said so by then. */
  launchRecordWaitMs: 5_000,
  /** How long the start of a run may wait to be written down with its end, in ms. */
  startedWaitMs: 20,
  /** One record of the outbox, in bytes: two full streams of control characters, escaped as JSON. */
  outbox: {
    bodyBytesMax: 128 * 1024 * 1024,
    bytesMax: 1024 * 1024 * 1024,
    /** How long one delivery may take with its objects, in ms: 256 MiB on a line of 300 kB/s. Each step of it has less. */
    deliverTimeoutMs: 900_000,
    /** How long what was delivered may wait to be removed together, and time between two looks for what others changed, in ms. */
    removeWaitMs: 20,
    pollMs: 10_000,
  },
  /** What steps after a run read of its output, in bytes, and in one piece. */
  afterBytesMax: 256 * 1024 ** 2,
  afterPieceBytes: 64 * 1024,
  /** Characters of what a script prints for one reader, and signs between its parts: parsing it takes less than 20 ms. */
  blockCharsMax: 2 * 1024 ** 2,
  blockSignsMax: 20_000,
  /** Checks that a machine keeps; with what each may say they stay below the 1 MiB of a local message. */
  checksMax: 100,
  checkNameCharsMax: 128,
  checkLabelBytesMax: 200,
  checkDetailBytesMax: 2_048,
  /** How long a check stays that no job has any more, in ms; looked at with the runs that need not be kept. */
  checkGoneMs: 24 * 3_600_000,
  /** Events that one run may tell, and bytes of them in all and of one line. */
  emittedEventsMax: 20_000,
  emittedBytesMax: 16 * 1024 ** 2,
  emittedLineCharsMax: 64 * 1024,
  /** Lines of one run that are no event; what comes behind them is not looked at. */
  emittedBadMax: 10_000,
  /** How long a step works before others have the event loop, in ms. */
  afterTurnMs: 4,
  /** Events that are queued in one commit. */
  emittedTogetherMax: 100,
  /** Share of the outbox that may be in use when events of scripts are queued: the rest is kept for results. */
  emittedShareMax: 0.5,
  /** Bytes of one layer of settings, groups of this machine whose layers count, and characters of the name that its client shows. */
  settingsBytesMax: 8 * 1024,
  settingsGroupsMax: 1_000,
  displayNameMax: 100,
  /** Processes that are looked at for the busiest of them, and how long a piece of that may take, in ms. */
  processesLookedMax: 20_000,
  processesTurnMs: 3,
  /** Archives of one run, files of one archive, and lines about what was left out. */
  bundlesMax: 16,
  bundleFilesMax: 10_000,
  collectNotesMax: 20,
  /** Paths that one block may name, and entries of directories that are looked at for a run. */
  collectPathsMax: 10_000,
  collectEntriesMax: 200_000,
  /** Bytes that go into one archive unless the job says otherwise, and at most; archives that wait to be brought away, together. */
  bundleBytesDefault: 100 * 1000 ** 2,
  bundleBytesMax: 1024 ** 3,
  bundlesBytesMax: 2 * 1024 ** 3,
  /** First and longest pause between attempts to reach the broker, in ms; up to as much again is added at random. */
  reconnectFirstMs: 250,
  reconnectMaxMs: 15_000,
  /** How long one attempt to connect may take, in ms. */
  connectTimeoutMs: 5_000,
  /** How long one request to the broker may take, in ms. */
  requestTimeoutMs: 5_000,
  /** How long a click waits for the newest manifest before the cached one serves, in ms. */
  freshManifestMs: 2_000,
  /** Live orders that are kept while what forbids them is read: how many, and bytes of them in all. */
  earlyOrdersMax: 1_000,
  earlyOrdersBytesMax: 16 * 1024 * 1024,
  /** Time between two looks for orders that no live subscription brought, in ms. */
  lookAgainMs: 600_000,
  /** Wait after the first failed read of the broker, in ms; doubles up to 16 times as much. */
  readRetryMs: 1_000,
  /** How long the acknowledgement of a message from the outbox may take, in ms. */
  publishTimeoutMs: 30_000,
  /** Wait before a broker that had no room for results, or no stream, is tried again, in ms. */
  fullPauseMs: 5_000,
  /** Time between two new starts of results that were set apart, in ms; each connect is one, too. */
  replayEveryMs: 600_000,
  /** How long a server may keep what it acknowledged from its disk, in ms: `sync_interval` of nats-server, 2 minutes unless set. */
  brokerSyncMs: 120_000,
  /** By how much less than it says a broker is trusted to know the id of a result, in ms. */
  knownIdsMarginMs: 10_000,
  /** Scripts of the object store that are kept on this disk, in bytes and files; those that were not used for longest go first. */
  scriptCache: { bytesMax: 256 * 1024 * 1024, filesMax: 1_000 },
  /** How long an order whose script is not here waits for a broker that is away, in ms, before it is refused. */
  scriptWaitMs: 30_000,
  /** Scripts that are fetched before somebody wants them, and over which time machines spread that, in ms. */
  prefetchScriptsMax: 32,
  prefetchSpreadMs: 1_000,
  /** Wait before that is tried again, in ms. */
  prefetchRetryMs: 60_000,
  /** Bytes of one job file. */
  jobFileBytesMax: 512 * 1024,
  /** Job files of one directory. */
  jobFilesMax: 1_000,
  /** Time between two looks at the key ring beside those that the system asks for, in ms. */
  keyRingLookMs: 5_000,
  /** How long changes of the key ring are collected, and how long one that is damaged may take to be whole again, in ms. */
  keyRingNoticeMs: 50,
  keyRingSettleMs: 1_000,
  /** Bytes of the jobs, or notifications, in one page of a list: with what stands around them they stay below the 1 MiB of a message. */
  pageBytes: 960 * 1024,
  /** Time between two lines of the log about one thing that happens at the local socket, in ms, and how many such things are told apart. */
  doorNoteEveryMs: 60_000,
  doorNotesMax: 100,
  /** How long changes of the catalogue are collected before they are told, and time between two times that they are, in ms. */
  offersSettleMs: 100,
  offersEveryMs: 5_000,
  /** How long changes of the job directory are collected before it is read again, in ms. */
  jobsSettleMs: 100,
  /** Wait before a version that could not be installed is tried again, and over which time machines spread that, in ms. */
  updateAgainMs: 600_000,
  updateAgainSpreadMs: 60_000,
  /** How long a fetch of a release that was cut waits for its broker before it is given up, in ms, and how often it may come no further. */
  fetchAwayMs: 600_000,
  fetchInVainMax: 5,
  /** How long a version on trial may be told to prove itself, in seconds. */
  trialSecsMax: 86_400,
  /** How long the end of the agent may take in all, in ms, and how much of it open connections get. */
  closeMs: 5_000,
  closeConnectionsMs: 1_000,
} as const;
