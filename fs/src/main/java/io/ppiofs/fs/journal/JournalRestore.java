package io.ppiofs.fs.journal;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Makes the records of a lost writer the first ones of this home's own journal, from where the volume is opened like after a
 * crash. A marker is there meanwhile: what a crash leaves is thrown away and done again.
 */
public final class JournalRestore {
    private static final String MARKER = "restoring";
    private static final String OPERATION = "restore journal";

    private JournalRestore() {}

    /** Whether nothing has been written to the volume here yet. Throws away what an earlier attempt left half done. */
    public static boolean isUntouched(Path directory) {
        try {
            if (!Files.isDirectory(directory)) {
                return true;
            }
            if (Files.exists(directory.resolve(MARKER))) {
                for (Path file : files(directory)) {
                    Files.delete(file);
                }
                DurableFile.syncDirectory(directory);
                Files.delete(directory.resolve(MARKER));
            }
            return files(directory).isEmpty();
        } catch (IOException e) {
            throw DurableFile.failure(OPERATION, directory, e);
        }
    }

    /**
     * Whether there is no record behind {@code lsn}.
     *
     * @param key of this home's journal
     * @throws PpiofsException CORRUPT, WRONG_KEY, UNSUPPORTED_FORMAT, IO
     */
    public static boolean isSettled(Path directory, byte[] key, long lsn) {
        if (isUntouched(directory)) {
            return true;
        }
        try (Journal journal =
                Journal.open(directory, key, lsn, () -> {}, (number, payload) -> {}, JournalOptions.defaults())) {
            return journal.replayReport().replayedRecords() == 0;
        }
    }

    /** Makes the journal untouched again. What it holds must be in a head; a crash leaves it whole or untouched. */
    public static void discard(Path directory) {
        if (!isUntouched(directory)) {
            DurableFile.replace(directory.resolve(MARKER), new byte[0], OPERATION);
            var unused = isUntouched(directory);
        }
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> all = Files.list(directory)) {
            return all.filter(JournalFormat::isJournalFile).toList();
        }
    }

    /**
     * Writes the records behind {@code lsn}; durable when it returns.
     *
     * @param directory an untouched journal
     * @param key of this home's journal
     * @return how many
     * @throws PpiofsException NO_SPACE, IO
     */
    public static long restore(Path directory, byte[] key, JournalCopy copy, long lsn) {
        Path marker = directory.resolve(MARKER);
        DurableFile.replace(marker, new byte[0], OPERATION);
        long restored;
        try (Journal journal =
                Journal.open(directory, key, 0, () -> {}, (number, payload) -> {}, JournalOptions.defaults())) {
            copy.forEach(lsn, (number, payload) -> journal.append(payload));
            restored = journal.lastLsn();
            journal.commit(restored);
        }
        try {
            Files.delete(marker);
            DurableFile.syncDirectory(directory);
        } catch (IOException e) {
            throw DurableFile.failure(OPERATION, marker, e);
        }
        return restored;
    }
}
