package io.ppiofs.fs.core;

/** When reading moves an access time; the mount options of mount(8). */
public enum AccessTimes {
    /** {@code noatime}, for directories {@code nodiratime}, for a file O_NOATIME: reads leave it alone. */
    NEVER,
    /** {@code relatime}: it moves if it is not later than the last change, or a day old. */
    RELATIVE,
    /** {@code strictatime}: every read that reaches the core moves it. */
    ALWAYS
}
