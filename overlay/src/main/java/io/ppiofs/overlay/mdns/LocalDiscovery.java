package io.ppiofs.overlay.mdns;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.net.InetAddresses;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.AddressBook;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.AddressScope;
import io.ppiofs.overlay.swarm.Swarm;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.MulticastSocket;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks for peers of the same network on all local networks by multicast over IPv4 and IPv6, answers others, and connects to
 * who is found. One daemon thread receives; all else is on the scheduler.
 */
public final class LocalDiscovery implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LocalDiscovery.class);
    private static final int PORT = 5353;
    private static final int MAX_DATAGRAM = 9_000;
    private static final int MAX_ADDRESSES = 12;
    private static final int MAX_CONNECTED = 64;
    private static final Duration PERIOD = Duration.ofSeconds(10);
    private static final Duration ANSWER_PAUSE = Duration.ofMillis(500);
    private static final List<Duration> AT_START =
            List.of(Duration.ofMillis(50), Duration.ofSeconds(1), Duration.ofSeconds(3));
    private static final String PREFIX = "dnsaddr=";

    /** The groups of RFC 6762, section 3. */
    private static final List<InetAddress> GROUPS =
            List.of(InetAddresses.forString("224.0.0.251"), InetAddresses.forString("ff02::fb"));

    /** A group as one interface reaches it. */
    private record Place(NetworkInterface via, InetSocketAddress group) {
        @Override
        public String toString() {
            return group.getAddress().getHostAddress() + " on " + via.getName();
        }
    }

    private final Swarm swarm;
    private final String service;
    private final String instance;
    private final MulticastSocket socket;
    private final Thread receiver;
    private final List<Scheduler.Timer> timers = new ArrayList<>();
    private final Set<String> joined = new HashSet<>(); // on the scheduler
    private long lastAnswer; // on the scheduler
    private volatile boolean closed;

    /**
     * Opens the socket.
     *
     * @param network the network's id, or empty for libp2p's common {@code _p2p._udp.local}
     * @throws IOException if port 5353 cannot be shared
     */
    public LocalDiscovery(Swarm swarm, String network) throws IOException {
        this.swarm = swarm;
        this.service = serviceName(network);
        this.instance = randomLabel() + "." + service;
        this.socket = new MulticastSocket(null);
        socket.setReuseAddress(true);
        if (socket.supportedOptions().contains(StandardSocketOptions.SO_REUSEPORT)) {
            socket.setOption(StandardSocketOptions.SO_REUSEPORT, true);
        }
        socket.bind(new InetSocketAddress(PORT));
        socket.setTimeToLive(255);
        this.receiver = new Thread(this::receive, "ppiofs-mdns");
        receiver.setDaemon(true);
    }

    /** The service name of a network: its id as a label, at most 63 bytes long. */
    static String serviceName(String network) {
        String label = network.isEmpty() ? "p2p" : network.toLowerCase(java.util.Locale.ROOT);
        return "_" + label.substring(0, Math.min(label.length(), 62)) + "._udp.local";
    }

    /** Peers have random names, so that the name tells nothing but the record does. */
    private static String randomLabel() {
        SecureRandom random = new SecureRandom();
        StringBuilder name = new StringBuilder();
        while (name.length() < 40) {
            name.append(Character.forDigit(random.nextInt(36), 36));
        }
        return name.toString();
    }

    /** Begins to ask and to answer. */
    public void start() {
        receiver.start();
        for (Duration delay : AT_START) {
            timers.add(swarm.scheduler().schedule(delay, this::ask));
        }
        timers.add(swarm.scheduler().scheduleRepeating(PERIOD, this::ask));
    }

    private void ask() {
        join();
        send(DnsMessage.query(service));
    }

    private void answer() {
        long now = swarm.scheduler().nanoTime();
        if (lastAnswer != 0 && now - lastAnswer < ANSWER_PAUSE.toNanos()) {
            return; // what was multicast a moment ago was heard by this asker, too
        }
        lastAnswer = now;
        List<byte[]> texts = new ArrayList<>();
        for (Multiaddr address : swarm.addresses()) {
            AddressScope scope = AddressScope.of(address);
            boolean local =
                    scope == AddressScope.PRIVATE || scope == AddressScope.PUBLIC || scope == AddressScope.NAMED;
            byte[] text = (PREFIX + address.withPeer(swarm.id())).getBytes(UTF_8);
            if (local && text.length <= 255 && texts.size() < MAX_ADDRESSES) {
                texts.add(text);
            }
        }
        if (!texts.isEmpty()) {
            send(DnsMessage.answer(service, instance, texts));
        }
    }

    private void join() {
        for (Place place : places()) {
            if (joined.add(place.toString())) {
                try {
                    socket.joinGroup(place.group, place.via);
                } catch (IOException e) {
                    LOG.debug("join {}: {}", place, e.toString());
                }
            }
        }
    }

    /** Each group with each interface that has an address of its family. */
    private static List<Place> places() {
        List<Place> found = new ArrayList<>();
        try {
            for (NetworkInterface one : Collections.list(NetworkInterface.getNetworkInterfaces())) {
                if (one.isUp() && one.supportsMulticast() && !one.isLoopback()) {
                    GROUPS.stream()
                            .filter(group -> hasAddressLike(one, group))
                            .forEach(group -> found.add(new Place(one, new InetSocketAddress(on(one, group), PORT))));
                }
            }
        } catch (SocketException e) {
            LOG.debug("list interfaces", e);
        }
        return found;
    }

    private static boolean hasAddressLike(NetworkInterface one, InetAddress group) {
        return one.getInterfaceAddresses().stream()
                .anyMatch(own -> own.getAddress().getClass() == group.getClass());
    }

    /** A group of IPv6 that is local to the link needs the link's number. */
    private static InetAddress on(NetworkInterface one, InetAddress group) {
        if (!(group instanceof Inet6Address)) {
            return group;
        }
        try {
            return Inet6Address.getByAddress(null, group.getAddress(), one.getIndex());
        } catch (UnknownHostException e) {
            throw new IllegalStateException("it has 16 bytes", e);
        }
    }

    private void send(DnsMessage message) {
        byte[] bytes = message.encode();
        for (Place place : places()) {
            try {
                socket.setNetworkInterface(place.via);
                socket.send(new DatagramPacket(bytes, bytes.length, place.group));
            } catch (IOException e) {
                LOG.debug("multicast to {}: {}", place, e.toString());
            }
        }
    }

    private void receive() {
        byte[] buffer = new byte[MAX_DATAGRAM];
        while (!closed) {
            DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
            try {
                socket.receive(packet);
            } catch (IOException e) {
                if (!closed) {
                    LOG.warn(
                            "receive multicast DNS: {}; peers on the local network are not found any more",
                            e.toString());
                }
                return;
            }
            // RFC 6762: what does not come from the port of multicast DNS is not an answer
            if (packet.getPort() == PORT) {
                DnsMessage.decode(buffer, packet.getLength())
                        .ifPresent(message -> swarm.scheduler().execute(() -> handle(message)));
            }
        }
    }

    private void handle(DnsMessage message) {
        if (closed) {
            return;
        }
        if (!message.response()) {
            boolean asked = message.questions().stream()
                    .anyMatch(q ->
                            q.name().equals(service) && (q.type() == DnsMessage.PTR || q.type() == DnsMessage.ANY));
            if (asked) {
                answer();
            }
            return;
        }
        Set<String> instances = new HashSet<>();
        for (DnsMessage.Ptr ptr : message.pointers()) {
            if (ptr.name().equals(service) && !ptr.target().equals(instance)) {
                instances.add(ptr.target());
            }
        }
        Map<PeerId, List<Multiaddr>> found = new HashMap<>();
        for (DnsMessage.Txt txt : message.texts()) {
            if (instances.contains(txt.name())) {
                txt.strings().stream().limit(MAX_ADDRESSES).forEach(text -> collect(text, found));
            }
        }
        found.forEach(this::found);
    }

    private static void collect(byte[] text, Map<PeerId, List<Multiaddr>> found) {
        String string = new String(text, UTF_8);
        if (string.startsWith(PREFIX)) {
            address(string.substring(PREFIX.length()))
                    .ifPresent(address -> address.peer()
                            .ifPresent(peer -> found.computeIfAbsent(peer, p -> new ArrayList<>())
                                    .add(address)));
        }
    }

    private static Optional<Multiaddr> address(String text) {
        try {
            return Optional.of(Multiaddr.parse(text));
        } catch (PpiofsException e) {
            return Optional.empty(); // an address of a kind that is not known here
        }
    }

    private void found(PeerId peer, List<Multiaddr> addresses) {
        if (peer.equals(swarm.id())) {
            return;
        }
        swarm.addressBook().addAddresses(peer, addresses, AddressBook.TOLD);
        if (!swarm.isConnected(peer) && swarm.connectedPeers().size() < MAX_CONNECTED) {
            swarm.connect(peer).whenComplete((connection, failure) -> {
                if (failure != null) {
                    LOG.debug("connect to {} of the local network: {}", peer, failure.getMessage());
                }
            });
        }
    }

    @Override
    public void close() {
        closed = true;
        timers.forEach(Scheduler.Timer::cancel);
        socket.close();
    }
}
