package io.ppiofs.overlay.dht;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.AddressBook;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a server answers. A request that must not be answered (a record for another key, refused by its validator, of an
 * unknown namespace; a provider record of somebody else) throws, and the stream is reset. On the host's scheduler.
 */
final class RequestHandler implements RpcServer.Service {
    private final Host host;
    private final RoutingTable table;
    private final Validators validators;
    private final ValueStore values;
    private final ProviderStore providers;
    private final int bucketSize;
    private final Duration lifetime;
    private final DhtKey.Hasher hasher = new DhtKey.Hasher();

    RequestHandler(
            Host host,
            DhtConfig config,
            RoutingTable table,
            Validators validators,
            ValueStore values,
            ProviderStore providers) {
        this.host = host;
        this.table = table;
        this.validators = validators;
        this.values = values;
        this.providers = providers;
        this.bucketSize = config.bucketSize();
        this.lifetime = config.recordLifetime();
    }

    @Override
    public @Nullable DhtMessage serve(PeerId from, DhtMessage request) {
        boolean keyed = request.type() != DhtMessage.Type.PING;
        if (keyed && request.key().length == 0) {
            throw refused(from, request.type() + " without a key");
        }
        return switch (request.type()) {
            case PING -> DhtMessage.request(DhtMessage.Type.PING, request.key());
            case FIND_NODE -> findNode(from, request);
            case GET_VALUE -> getValue(from, request);
            case PUT_VALUE -> putValue(from, request);
            case GET_PROVIDERS -> getProviders(from, request);
            case ADD_PROVIDER -> addProvider(from, request);
        };
    }

    private DhtMessage findNode(PeerId from, DhtMessage request) {
        List<DhtMessage.Peer> closer = closer(from, request.key());
        PeerId wanted = peerOf(request.key());
        if (wanted != null
                && !wanted.equals(from)
                && closer.stream().noneMatch(peer -> peer.id().equals(wanted))) {
            DhtMessage.Peer exact =
                    wanted.equals(host.id()) ? DhtMessage.Peer.of(wanted, host.addresses()) : described(wanted);
            if (!exact.rawAddresses().isEmpty()) { // not in the table: this node, a client, or one whose bucket is full
                closer.add(0, exact);
            }
        }
        return new DhtMessage(
                request.type(),
                request.key(),
                null,
                closer.size() > DhtMessage.MAX_PEERS ? closer.subList(0, DhtMessage.MAX_PEERS) : closer,
                List.of());
    }

    private static @Nullable PeerId peerOf(byte[] key) {
        if (key.length > PeerId.MAX_BYTES) {
            return null;
        }
        try {
            return PeerId.fromBytes(key);
        } catch (PpiofsException e) {
            return null; // a point of the key space that no peer has to be at
        }
    }

    private DhtMessage getValue(PeerId from, DhtMessage request) {
        byte[] key = request.key();
        byte[] publicKey = knownPublicKey(key);
        DhtMessage.Value record = null;
        if (publicKey != null) {
            record = new DhtMessage.Value(key, publicKey, host.scheduler().wallMillis());
        } else {
            ValueStore.Stored stored =
                    values.get(hasher.of(key), host.scheduler().nanoTime());
            if (stored != null && validators.isValid(key, stored.value())) { // it may have become invalid with time
                record = new DhtMessage.Value(key, stored.value(), stored.receivedMillis());
            }
        }
        return new DhtMessage(request.type(), key, record, closer(from, key), List.of());
    }

    /** The value of {@code /pk/…} if it is known without having been stored: of this node and of those connected to it. */
    private byte @Nullable [] knownPublicKey(byte[] key) {
        boolean named = key.length > 4 && key[0] == '/' && key[1] == 'p' && key[2] == 'k' && key[3] == '/';
        PeerId peer = named ? peerOf(Arrays.copyOfRange(key, 4, key.length)) : null;
        if (peer == null) {
            return null;
        }
        if (peer.equals(host.id())) {
            return host.key().publicKey().toBytes();
        }
        List<Connection> connections = host.connections(peer);
        return connections.isEmpty() ? null : connections.get(0).remoteKey().toBytes();
    }

    private DhtMessage putValue(PeerId from, DhtMessage request) {
        DhtMessage.Value record = request.record();
        byte[] key = request.key();
        if (record == null || !Arrays.equals(record.key(), key)) {
            throw refused(from, "a record for another key than that of the request");
        }
        if (!validators.isValid(key, record.value())) {
            throw refused(from, "a value that the validator of its namespace refuses");
        }
        long now = host.scheduler().nanoTime();
        long wall = host.scheduler().wallMillis();
        DhtKey point = hasher.of(key);
        ValueStore.Stored old = values.get(point, now);
        if (old != null && !validators.isAtLeastAsGood(key, record.value(), old.value())) {
            // a replayed or outdated record: the better one is the answer, so that the sender can tell
            return new DhtMessage(
                    request.type(),
                    key,
                    new DhtMessage.Value(key, old.value(), old.receivedMillis()),
                    List.of(),
                    List.of());
        }
        ValueStore.Stored stored = new ValueStore.Stored(key, record.value(), from, wall, now + lifetime.toNanos());
        if (!values.put(point, stored)) {
            throw refused(from, "the store has no room for it");
        }
        return new DhtMessage(
                request.type(), key, new DhtMessage.Value(key, record.value(), wall), List.of(), List.of());
    }

    private DhtMessage getProviders(PeerId from, DhtMessage request) {
        byte[] key = contentKey(from, request);
        long now = host.scheduler().nanoTime();
        List<DhtMessage.Peer> found = new ArrayList<>();
        for (PeerId provider : providers.providers(hasher.of(key), DhtMessage.MAX_PEERS, now)) {
            found.add(described(provider));
        }
        return new DhtMessage(request.type(), request.key(), null, closer(from, request.key()), found);
    }

    private @Nullable DhtMessage addProvider(PeerId from, DhtMessage request) {
        byte[] key = contentKey(from, request);
        long now = host.scheduler().nanoTime();
        for (DhtMessage.Peer provider : request.providers()) {
            if (provider.id().equals(from)) {
                List<Multiaddr> addresses = provider.addresses();
                host.addressBook().addAddresses(from, addresses, AddressBook.TOLD);
                ProviderStore.Stored record = new ProviderStore.Stored(key, from, now + lifetime.toNanos());
                if (!providers.add(hasher.of(key), record)) {
                    throw refused(from, "there is no room for more of its provider records");
                }
                return null;
            }
        }
        throw refused(from, "a provider record that does not name its sender");
    }

    private static byte[] contentKey(PeerId from, DhtMessage request) {
        byte[] key = ContentKey.multihash(request.key());
        if (key == null) {
            throw refused(from, "a provider key that is neither a multihash nor a CID");
        }
        return key;
    }

    private List<DhtMessage.Peer> closer(PeerId asking, byte[] key) {
        List<RoutingTable.Entry> nearest = table.closest(hasher.of(key), bucketSize + 1, true);
        List<DhtMessage.Peer> closer = new ArrayList<>(bucketSize + 1);
        for (RoutingTable.Entry entry : nearest) {
            if (closer.size() < bucketSize && !entry.peer.equals(asking)) {
                closer.add(described(entry.peer));
            }
        }
        return closer;
    }

    private DhtMessage.Peer described(PeerId peer) {
        return peer.equals(host.id())
                ? DhtMessage.Peer.of(peer, host.addresses())
                : DhtMessage.Peer.of(peer, host.addressBook().addresses(peer));
    }

    private static PpiofsException refused(PeerId from, String what) {
        return new PpiofsException(ErrorKind.INVALID, "serve DHT request of", from.toString(), what);
    }
}
