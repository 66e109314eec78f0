package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Request;
import io.ppiofs.node.network.IdentityFile;
import io.ppiofs.node.network.KnownNetwork;
import io.ppiofs.node.network.KnownNetworks;
import io.ppiofs.node.network.NetworkService;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.network.Invitation;
import io.ppiofs.overlay.network.MembershipAuthority;
import io.ppiofs.overlay.network.MembershipCertificate;
import io.ppiofs.overlay.network.RevocationList;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** The operations of the control protocol that concern the network. Thread-safe. */
final class NetworkOperations {
    /** Longest wait for an answer of the network; the overlay's own bounds are shorter. */
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final Node node;
    private final KnownNetworks networks;

    NetworkOperations(Node node) {
        this.node = node;
        this.networks = new KnownNetworks(node.home());
    }

    Map<String, @Nullable Object> id() {
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        NetworkService network = node.network();
        if (network == null) {
            PeerId self = IdentityFile.loadOrCreate(node.home().identityFile()).peerId();
            answer.put("peerId", self.toString());
            answer.put("network", null);
            return answer;
        }
        Map<String, @Nullable Object> facts = network.facts();
        for (String name : List.of("peerId", "network", "networkId", "addresses", "protocols")) {
            answer.put(name, facts.get(name));
        }
        return answer;
    }

    Map<String, @Nullable Object> peers() {
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("peers", running().peers());
        answer.put("operators", running().operatorFacts());
        return answer;
    }

    Map<String, @Nullable Object> ping(Request request) {
        String peer = request.text("peer");
        Duration rtt = await("ping", peer, running().ping(peer));
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("peer", peer);
        answer.put("rttMicros", rtt.toNanos() / 1_000);
        return answer;
    }

    Map<String, @Nullable Object> find(Request request) {
        String what = request.text("what");
        return await("find", what, running().find(what));
    }

    Map<String, @Nullable Object> create(Request request) {
        KnownNetwork network = networks.create(
                request.text("name"),
                request.flag("private"),
                request.texts("bootstrap").stream().map(Multiaddr::parse).toList());
        Map<String, @Nullable Object> answer = describe(network);
        answer.put("invitation", network.invitation(null, List.of()).print());
        return answer;
    }

    Map<String, @Nullable Object> join(Request request) {
        return describe(networks.join(Invitation.parse(request.text("invitation"))));
    }

    Map<String, @Nullable Object> list() {
        List<Object> list = new ArrayList<>();
        networks.all().forEach(n -> list.add(describe(n)));
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("networks", list);
        return answer;
    }

    Map<String, @Nullable Object> members(Request request) {
        KnownNetwork network = networks.find(request.text("network"));
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        String admit = request.textOrNull("admit");
        if (admit != null) {
            KnownNetworks.Admission admission = networks.admit(network, PeerId.parse(admit), ownAddresses(network));
            answer.put("invitation", admission.invitation().print());
        }
        String revoke = request.textOrNull("revoke");
        if (revoke != null) {
            RevocationList list = networks.revoke(network, PeerId.parse(revoke));
            NetworkService running = runningIn(network);
            if (running != null) {
                running.revoked(list);
            }
        }
        List<Object> members = new ArrayList<>();
        network.authority().members().forEach(m -> members.add(member(m)));
        answer.put("members", members);
        return answer;
    }

    private static Map<String, @Nullable Object> member(MembershipAuthority.Member member) {
        MembershipCertificate certificate = member.certificate();
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("peer", certificate.peer().toString());
        facts.put("serial", certificate.serial());
        facts.put("role", certificate.role().name().toLowerCase(Locale.ROOT));
        Instant issued = Instant.ofEpochMilli(certificate.issuedMillis());
        facts.put(
                "until",
                certificate.lifetime().map(l -> issued.plus(l).toString()).orElse("for ever"));
        facts.put("state", member.revoked() ? "revoked" : "member");
        return facts;
    }

    private static Map<String, @Nullable Object> describe(KnownNetwork network) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        boolean closed = network.genesis().isPrivate();
        facts.put("name", network.genesis().name());
        facts.put("id", network.genesis().id().toString());
        facts.put("kind", closed ? "private" : "open");
        facts.put("rights", network.rights());
        return facts;
    }

    /** This node's own addresses, if it is in that network now. */
    private List<Multiaddr> ownAddresses(KnownNetwork network) {
        NetworkService running = runningIn(network);
        return running == null
                ? List.of()
                : running.listenAddresses().stream().map(Multiaddr::parse).toList();
    }

    private @Nullable NetworkService runningIn(KnownNetwork network) {
        NetworkService running = node.network();
        String id = network.genesis().id().toString();
        return running != null && id.equals(running.facts().get("networkId")) ? running : null;
    }

    private NetworkService running() {
        NetworkService network = node.network();
        if (network == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED,
                    "network",
                    node.home().toString(),
                    "the node is in no network; start it with 'ppiofs node --listen …' or set network.listen");
        }
        return network;
    }

    private static <T> T await(String operation, String subject, CompletableFuture<T> answer) {
        try {
            return answer.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof PpiofsException p) {
                throw p;
            }
            throw new PpiofsException(ErrorKind.INTERNAL, operation, subject, "failed: " + e.getCause(), e);
        } catch (TimeoutException e) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED, operation, subject, "no answer in " + PATIENCE.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(ErrorKind.INTERRUPTED, operation, subject, "the node is ending", e);
        }
    }
}
