package io.ppiofs.node;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.fuse.DescriptorSocket;
import io.ppiofs.fs.fuse.MountHandover;
import io.ppiofs.fs.fuse.NativeSystem;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All that a process leaves to the one that goes on: its volumes, unlocked, and its mounts with their descriptors. Closing it
 * closes those that nobody has taken.
 *
 * @param metricsPort as ordered for the node; null if it was not
 * @param pausedSince when the mounts stopped to answer
 */
record Handover(
        List<Volume> volumes, List<Mount> mounts, @Nullable Integer metricsPort, Instant pausedSince)
        implements AutoCloseable {
    /** Both sides speak the same one, or the mounts stay where they are. */
    static final int PROTOCOL = 1;

    /** The new process: it has started, and the mounts may stop. */
    static final int READY = 'R';
    /** The old one: what it leaves. The mounts follow in messages of their own. */
    static final int STATE = 'S';
    /** The old one: a mount, and its descriptor. */
    static final int MOUNT = 'M';
    /** The new process: it has everything and could serve. */
    static final int TAKEN = 'T';
    /** The old one: it has let go; serve. */
    static final int GO = 'G';
    /** Either: it cannot; a failure in JSON. */
    static final int FAILED = 'F';

    private static final int MAX_NAME = 4096;
    private static final int MAX_VOLUMES = 1024;
    private static final int MAX_SECRETS = 1 << 16;
    private static final int MAX_UNNAMED = 1 << 24;

    /**
     * A volume that is open.
     *
     * @param secrets {@link OpenVolume#secrets}
     * @param unnamed {@link io.ppiofs.fs.core.FileSystemCore#unnamed}
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Volume(String name, byte[] secrets, List<Ino> unnamed, boolean syncsToSwarm) {
        @Override
        public String toString() {
            return "Volume[" + name + "]";
        }
    }

    /** A mount and the name of its volume. */
    record Mount(Path directory, String volume, Instant since, MountHandover kernel) {}

    Handover {
        volumes = List.copyOf(volumes);
        mounts = List.copyOf(mounts);
    }

    void send(DescriptorSocket to) {
        List<Cbor> list = new ArrayList<>();
        for (Volume v : volumes) {
            ByteBuffer unnamed = ByteBuffer.allocate(v.unnamed().size() * Long.BYTES);
            v.unnamed().forEach(ino -> unnamed.putLong(ino.value()));
            list.add(CborMap.builder()
                    .put(1, new CborText(v.name()))
                    .put(2, CborBytes.of(v.secrets()))
                    .put(3, CborBytes.of(unnamed.array()))
                    .put(4, v.syncsToSwarm() ? CborSimple.TRUE : CborSimple.FALSE)
                    .build());
        }
        CborMap state = CborMap.builder()
                .put(1, PROTOCOL)
                .put(2, pausedSince.toEpochMilli())
                .put(3, metricsPort == null ? CborSimple.NULL : new CborInt(metricsPort))
                .put(4, new CborArray(list))
                .put(5, mounts.size())
                .build();
        to.send(STATE, CborEncoder.encode(state), DescriptorSocket.NONE);
        for (Mount m : mounts) {
            CborMap mount = CborMap.builder()
                    .put(1, new CborText(m.directory().toString()))
                    .put(2, new CborText(m.volume()))
                    .put(3, m.since().toEpochMilli())
                    .put(4, m.kernel().encode())
                    .build();
            to.send(MOUNT, CborEncoder.encode(mount), m.kernel().descriptor());
        }
    }

    /** @param first the message of type {@link #STATE} */
    static Handover receive(
            NativeSystem system, DescriptorSocket from, DescriptorSocket.Message first, Duration patience) {
        List<Mount> mounts = new ArrayList<>();
        try {
            CborMap state = CborDecoder.decodeMap(first.payload());
            state.requireFields(5);
            if (state.uint(1, Integer.MAX_VALUE) != PROTOCOL) {
                throw new MalformedException("is of another protocol");
            }
            List<Volume> volumes = new ArrayList<>();
            for (Cbor v : state.array(4, MAX_VOLUMES).items()) {
                volumes.add(volume(v));
            }
            long count = state.uint(5, MAX_VOLUMES);
            while (mounts.size() < count) {
                mounts.add(mount(system, from.receive(patience)));
            }
            Integer port = state.get(3) == CborSimple.NULL ? null : (Integer) (int) state.uint(3, 65_535);
            return new Handover(volumes, mounts, port, Instant.ofEpochMilli(state.uint(2, Long.MAX_VALUE)));
        } catch (MalformedException e) {
            mounts.forEach(m -> m.kernel().close());
            throw new PpiofsException(
                    ErrorKind.CORRUPT, "take over", "what the other process left", String.valueOf(e.getMessage()), e);
        } catch (RuntimeException e) {
            mounts.forEach(m -> m.kernel().close());
            throw e;
        }
    }

    private static Volume volume(Cbor value) throws MalformedException {
        if (!(value instanceof CborMap v)) {
            throw new MalformedException("a volume is no map");
        }
        v.requireFields(4);
        List<Ino> unnamed = new ArrayList<>();
        ByteBuffer inos = ByteBuffer.wrap(v.bytes(3, 0, MAX_UNNAMED));
        while (inos.remaining() >= Long.BYTES) {
            unnamed.add(new Ino(inos.getLong()));
        }
        return new Volume(v.text(1, MAX_NAME), v.bytes(2, 0, MAX_SECRETS), unnamed, v.bool(4));
    }

    private static Mount mount(NativeSystem system, DescriptorSocket.Message message) throws MalformedException {
        int descriptor = message.descriptor();
        if (message.type() != MOUNT || descriptor == DescriptorSocket.NONE) {
            throw new MalformedException("a mount came without its descriptor");
        }
        CborMap m = CborDecoder.decodeMap(message.payload());
        m.requireFields(4);
        return new Mount(
                Path.of(m.text(1, MAX_NAME)),
                m.text(2, MAX_NAME),
                Instant.ofEpochMilli(m.uint(3, Long.MAX_VALUE)),
                MountHandover.decode(system, m.map(4, 32), descriptor));
    }

    @Override
    public void close() {
        mounts.forEach(m -> m.kernel().close());
    }
}
