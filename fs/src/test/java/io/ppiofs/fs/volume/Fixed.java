package io.ppiofs.fs.volume;

import io.ppiofs.blockstore.BlockKey;
import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.network.NetworkId;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;

/** Keys and records that are the same in every run. */
final class Fixed {
    static final Instant NOW = Instant.parse("2026-11-20T12:00:00Z");
    static final InstantSource WALL = InstantSource.fixed(NOW);
    static final long HLC = NOW.toEpochMilli() << 16;

    static final Capability.ReadWrite RW = new Capability.ReadWrite(secret(1));
    static final WriterKey WRITER_KEY = WriterKey.ofSeed(secret(2));
    static final WriterIdentity WRITER = new WriterIdentity(
            WRITER_KEY, RW.owner().certify(NetworkId.LOCAL, WRITER_KEY.publicKey(), 7, NOW.plusSeconds(86_400)));
    static final VolumeSecrets SECRETS = new VolumeSecrets(RW, 3, WRITER);
    static final Argon2Cost CHEAP = new Argon2Cost(64, 1, 2);

    private Fixed() {}

    static Secret secret(int fill) {
        return Secret.of(bytes(fill));
    }

    static byte[] bytes(int fill) {
        byte[] bytes = new byte[32];
        Arrays.fill(bytes, (byte) fill);
        return bytes;
    }

    static BlockRef ref(int fill) {
        return new BlockRef(Cid.ofDigest(bytes(fill)), BlockKey.of(bytes(fill + 1)), 8192, 3, 0);
    }

    static HeadState state(long clock) {
        return new HeadState(
                ref(0x50),
                clock,
                VersionVector.EMPTY.with(new Dot(clock, 7)).with(new Dot(5, 1)),
                42,
                4096,
                HeadState.empty().extensions());
    }

    /** A state of the writer in slot 0. */
    static HeadState state0(long clock) {
        return new HeadState(
                ref(0x60),
                clock,
                VersionVector.EMPTY.with(new Dot(clock, 0)),
                1,
                100,
                HeadState.empty().extensions());
    }

    static Head head(long sequence, HeadState state) {
        return Head.sign(
                new HeadClear(WRITER.certificate(), sequence, List.of(Cid.ofDigest(bytes(9))), null, 3),
                state,
                WRITER,
                SECRETS.keys());
    }

    /** Counts up instead of being random. */
    static SecureRandom counting() {
        return new SecureRandom() {
            private byte next = 1;

            @Override
            public void nextBytes(byte[] bytes) {
                for (int i = 0; i < bytes.length; i++) {
                    bytes[i] = next++;
                }
            }
        };
    }

    /** The golden file's text; with {@code -Dgolden.write=true} (run in the module's directory) it is written instead. */
    static String golden(String name, String actual) {
        try {
            if (Boolean.getBoolean("golden.write")) {
                Path file = Path.of("src/test/resources/io/ppiofs/fs/volume/golden", name);
                Files.createDirectories(file.getParent());
                Files.writeString(file, actual + "\n");
                return actual;
            }
            try (InputStream in = Fixed.class.getResourceAsStream("golden/" + name)) {
                if (in == null) {
                    throw new AssertionError("no golden file " + name);
                }
                return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
