package io.ppiofs.overlay.dht;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.wire.KadWire;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The records that a node keeps for others, and the peers of its table, as a file: protobuf {@code KadSnapshot} behind its
 * SHA-256. Written to a new file that takes the old one's place, so there is always a whole one. The file holds nothing
 * secret. Reading and writing block; not for the scheduler.
 */
public final class DhtSnapshot {
    private static final int VERSION = 1;
    private static final int DIGEST = 32;
    private static final long MAX_FILE = 1L << 30;

    private final KadWire.KadSnapshot content;

    private DhtSnapshot(KadWire.KadSnapshot content) {
        this.content = content;
    }

    static DhtSnapshot of(
            List<ValueStore.Stored> values,
            List<ProviderStore.Stored> providers,
            List<PeerInfo> peers,
            long nowNanos,
            long wallMillis) {
        KadWire.KadSnapshot.Builder content = KadWire.KadSnapshot.newBuilder().setVersion(VERSION);
        for (ValueStore.Stored value : values) {
            content.addValues(KadWire.KadSnapshot.Value.newBuilder()
                    .setKey(ByteString.copyFrom(value.key()))
                    .setValue(ByteString.copyFrom(value.value()))
                    .setFrom(ByteString.copyFrom(value.from().toBytes()))
                    .setExpiresMillis(wallMillis + (value.expiresNanos() - nowNanos) / 1_000_000));
        }
        for (ProviderStore.Stored record : providers) {
            content.addProviders(KadWire.KadSnapshot.Provider.newBuilder()
                    .setKey(ByteString.copyFrom(record.key()))
                    .setPeer(ByteString.copyFrom(record.provider().toBytes()))
                    .setExpiresMillis(wallMillis + (record.expiresNanos() - nowNanos) / 1_000_000));
        }
        for (PeerInfo peer : peers) {
            KadWire.KadSnapshot.Peer.Builder one = KadWire.KadSnapshot.Peer.newBuilder()
                    .setId(ByteString.copyFrom(peer.id().toBytes()));
            peer.addresses().forEach(address -> one.addAddrs(ByteString.copyFrom(address.toBytes())));
            content.addPeers(one);
        }
        return new DhtSnapshot(content.build());
    }

    /** Replaces {@code file}, and returns when it is on the disk. @throws PpiofsException IO */
    public void write(Path file) {
        byte[] body = content.toByteArray();
        Path next = file.resolveSibling(file.getFileName() + ".new");
        try {
            try (FileChannel channel = FileChannel.open(
                    next, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
                writeFully(channel, sha256(body));
                writeFully(channel, body);
                channel.force(true);
            }
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.IO, "write", file.toString(), "check the disk: " + e.getMessage(), e);
        }
    }

    private static void writeFully(FileChannel channel, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    /** The snapshot in a file; empty if there is no file. @throws PpiofsException CORRUPT, IO, UNSUPPORTED_FORMAT */
    public static Optional<DhtSnapshot> read(Path file) {
        byte[] bytes;
        try {
            if (Files.exists(file) && Files.size(file) > MAX_FILE) {
                throw corrupt(file, "it is larger than 1 GiB");
            }
            bytes = Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.IO, "read", file.toString(), "check the disk: " + e.getMessage(), e);
        }
        byte[] body = bytes.length < DIGEST ? bytes : Arrays.copyOfRange(bytes, DIGEST, bytes.length);
        if (bytes.length < DIGEST || !Arrays.equals(sha256(body), Arrays.copyOf(bytes, DIGEST))) {
            throw corrupt(file, "its checksum does not hold");
        }
        try {
            KadWire.KadSnapshot content = KadWire.KadSnapshot.parseFrom(body);
            if (content.getVersion() != VERSION) {
                throw new PpiofsException(
                        ErrorKind.UNSUPPORTED_FORMAT,
                        "read",
                        file.toString(),
                        "version " + content.getVersion() + " of the DHT snapshot is not known; delete the file");
            }
            return Optional.of(new DhtSnapshot(content));
        } catch (InvalidProtocolBufferException e) {
            throw corrupt(file, "it is not a DHT snapshot");
        }
    }

    private static PpiofsException corrupt(Path file, String detail) {
        return new PpiofsException(
                ErrorKind.CORRUPT, "read", file.toString(), detail + "; delete it, the network has the records, too");
    }

    /** Values that have not expired, with expiry on the scheduler's clock. */
    List<ValueStore.Stored> values(long nowNanos, long wallMillis) {
        List<ValueStore.Stored> values = new ArrayList<>();
        for (KadWire.KadSnapshot.Value value : content.getValuesList()) {
            if (value.getExpiresMillis() > wallMillis) {
                values.add(new ValueStore.Stored(
                        value.getKey().toByteArray(),
                        value.getValue().toByteArray(),
                        PeerId.fromBytes(value.getFrom().toByteArray()),
                        wallMillis,
                        nowNanos + (value.getExpiresMillis() - wallMillis) * 1_000_000));
            }
        }
        return values;
    }

    List<ProviderStore.Stored> providers(long nowNanos, long wallMillis) {
        List<ProviderStore.Stored> providers = new ArrayList<>();
        for (KadWire.KadSnapshot.Provider record : content.getProvidersList()) {
            if (record.getExpiresMillis() > wallMillis) {
                providers.add(new ProviderStore.Stored(
                        record.getKey().toByteArray(),
                        PeerId.fromBytes(record.getPeer().toByteArray()),
                        nowNanos + (record.getExpiresMillis() - wallMillis) * 1_000_000));
            }
        }
        return providers;
    }

    List<PeerInfo> peers() {
        List<PeerInfo> peers = new ArrayList<>();
        for (KadWire.KadSnapshot.Peer peer : content.getPeersList()) {
            List<Multiaddr> addresses = new ArrayList<>();
            peer.getAddrsList()
                    .forEach(address -> Multiaddr.read(address.toByteArray()).ifPresent(addresses::add));
            peers.add(new PeerInfo(PeerId.fromBytes(peer.getId().toByteArray()), addresses));
        }
        return peers;
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
