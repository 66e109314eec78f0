package io.ppiofs.node.network;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.node.Home;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.network.Genesis;
import io.ppiofs.overlay.network.Invitation;
import io.ppiofs.overlay.network.MembershipAuthority;
import io.ppiofs.overlay.network.MembershipCertificate;
import io.ppiofs.overlay.network.NetworkParameters;
import io.ppiofs.overlay.network.RevocationList;
import io.ppiofs.overlay.network.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The networks of a home, in {@code networks/ID/}. Stateless: each call reads the files; the home's lock keeps others out. */
public final class KnownNetworks {
    private final Home home;

    public KnownNetworks(Home home) {
        this.home = home;
    }

    /** An admitted peer and what it is to be given. */
    public record Admission(MembershipCertificate certificate, Invitation invitation) {}

    /** @throws PpiofsException EXISTS if the home has a network of this name */
    public KnownNetwork create(String name, boolean closed, List<Multiaddr> bootstrap) {
        requireNew(name);
        SecureRandom random = new SecureRandom();
        if (!closed) {
            Genesis genesis = Genesis.open(name, NetworkParameters.DEFAULT, random);
            return KnownNetwork.write(directory(genesis), genesis, bootstrap);
        }
        IdentityKey membershipKey = IdentityKey.generate(random);
        Genesis genesis = Genesis.closed(name, NetworkParameters.DEFAULT, membershipKey, random);
        KnownNetwork network = KnownNetwork.write(directory(genesis), genesis, bootstrap);
        network.found(membershipKey);
        PeerId self = IdentityFile.loadOrCreate(home.identityFile()).peerId();
        network.keep(issue(network, self, Role.SUPER));
        return network;
    }

    /** Stores what an invitation says; joining a known network again adds addresses and takes a newer certificate. */
    public KnownNetwork join(Invitation invitation) {
        Genesis genesis = invitation.genesis();
        PeerId self = IdentityFile.loadOrCreate(home.identityFile()).peerId();
        MembershipCertificate certificate = invitation.certificate();
        if (certificate != null && !certificate.peer().equals(self)) {
            throw new PpiofsException(
                    ErrorKind.ACCESS_DENIED,
                    "join network",
                    genesis.name(),
                    "the invitation's certificate is for " + certificate.peer() + ", and this home is " + self);
        }
        boolean known = all().stream().anyMatch(n -> n.genesis().equals(genesis));
        if (!known) {
            requireNew(genesis.name());
        }
        KnownNetwork network = KnownNetwork.write(directory(genesis), genesis, invitation.bootstrap());
        if (certificate != null) {
            network.keep(certificate);
        }
        return network;
    }

    public List<KnownNetwork> all() {
        Path root = home.networksDirectory();
        List<KnownNetwork> networks = new ArrayList<>();
        if (!Files.isDirectory(root)) {
            return networks;
        }
        try (Stream<Path> entries = Files.list(root)) {
            entries.sorted()
                    .filter(d -> Files.exists(d.resolve("genesis")))
                    .forEach(d -> networks.add(KnownNetwork.open(d)));
        } catch (IOException e) {
            throw DurableFile.failure("list networks", root, e);
        }
        return networks;
    }

    /** By name or id. @throws PpiofsException NOT_FOUND */
    public KnownNetwork find(String nameOrId) {
        return all().stream()
                .filter(n -> n.genesis().name().equals(nameOrId)
                        || n.genesis().id().toString().equals(nameOrId))
                .findFirst()
                .orElseThrow(() -> new PpiofsException(
                        ErrorKind.NOT_FOUND,
                        "network",
                        nameOrId,
                        "this home knows no such network; 'ppiofs network list' shows what it knows"));
    }

    /** Certifies a peer. @param bootstrap addresses for the invitation, before those that are known */
    public Admission admit(KnownNetwork network, PeerId peer, List<Multiaddr> bootstrap) {
        MembershipCertificate certificate = issue(network, peer, Role.MEMBER);
        return new Admission(certificate, network.invitation(certificate, bootstrap));
    }

    public RevocationList revoke(KnownNetwork network, PeerId peer) {
        MembershipAuthority authority = network.authority();
        RevocationList list = authority.revoke(peer, System.currentTimeMillis());
        network.keep(authority);
        network.keep(list);
        return list;
    }

    private static MembershipCertificate issue(KnownNetwork network, PeerId peer, Role role) {
        MembershipAuthority authority = network.authority();
        MembershipCertificate certificate = authority.issue(peer, "", role, null, System.currentTimeMillis());
        network.keep(authority);
        return certificate;
    }

    private void requireNew(String name) {
        if (all().stream().anyMatch(n -> n.genesis().name().equals(name))) {
            throw new PpiofsException(
                    ErrorKind.EXISTS, "network", name, "this home knows a network of this name already");
        }
    }

    private Path directory(Genesis genesis) {
        Path directory = home.networksDirectory().resolve(genesis.id().toString());
        try {
            Files.createDirectories(directory);
            return directory;
        } catch (IOException e) {
            throw DurableFile.failure("make network", directory, e);
        }
    }
}
