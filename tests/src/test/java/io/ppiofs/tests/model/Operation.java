package io.ppiofs.tests.model;

/**
 * One operation of one process.
 *
 * @param process index into {@link DifferentialRun#PROCESSES}
 * @param line as {@code native/opexec.c} reads it
 */
record Operation(int process, String line) {
    String name() {
        int space = line.indexOf(' ');
        return space < 0 ? line : line.substring(0, space);
    }

    @Override
    public String toString() {
        return process + " " + line;
    }
}
