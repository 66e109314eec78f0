package io.ppiofs.fs.fuse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets the kernel ask for several requests' worth ahead of a sequential reader, so that they are served in parallel; a
 * driver can only lower the system's default of 128 KiB. Root's privilege, and only speed.
 */
public final class ReadAhead {
    private static final Logger LOG = LoggerFactory.getLogger(ReadAhead.class);

    private ReadAhead() {}

    public static void set(MountTable.Entry mount, long bytes) {
        Path setting = Path.of("/sys/class/bdi", mount.device(), "read_ahead_kb");
        if (!Files.isWritable(setting)) {
            return;
        }
        try {
            Files.writeString(setting, Long.toString(bytes / 1024), StandardCharsets.US_ASCII);
        } catch (IOException e) {
            LOG.debug("{} cannot be set", setting, e);
        }
    }
}
