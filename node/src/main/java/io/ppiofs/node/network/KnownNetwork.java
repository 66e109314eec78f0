package io.ppiofs.node.network;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.overlay.identity.Envelope;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.network.Genesis;
import io.ppiofs.overlay.network.Invitation;
import io.ppiofs.overlay.network.MembershipAuthority;
import io.ppiofs.overlay.network.MembershipCertificate;
import io.ppiofs.overlay.network.MembershipRoll;
import io.ppiofs.overlay.network.RevocationList;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A network in the home, one directory: {@code genesis}; {@code bootstrap}, an address a line; for a private one {@code
 * certificate} and {@code revocations}; in the home that made it also {@code membership.key} and the book {@code members}.
 */
public final class KnownNetwork {
    private static final int MAX_BOOK = 64 << 20;
    private static final int MAX_BOOTSTRAP = 64 << 10;
    private static final String READ = "read network";
    private static final String WRITE = "write network";

    private final Path directory;
    private final Genesis genesis;

    private KnownNetwork(Path directory, Genesis genesis) {
        this.directory = directory;
        this.genesis = genesis;
    }

    static KnownNetwork open(Path directory) {
        Path file = directory.resolve("genesis");
        byte[] genesis = DurableFile.read(file, Envelope.MAX_ENCODED, READ);
        if (genesis == null) {
            throw new PpiofsException(ErrorKind.NOT_FOUND, READ, file.toString(), "there is no genesis record");
        }
        return new KnownNetwork(directory, Genesis.decode(genesis));
    }

    /** Writes the genesis record last: a directory without one is no network yet. */
    static KnownNetwork write(Path directory, Genesis genesis, List<Multiaddr> bootstrap) {
        KnownNetwork network = new KnownNetwork(directory, genesis);
        network.addBootstrap(bootstrap);
        DurableFile.replace(directory.resolve("genesis"), genesis.encode(), WRITE);
        return network;
    }

    public Genesis genesis() {
        return genesis;
    }

    public List<Multiaddr> bootstrap() {
        byte[] text = DurableFile.read(directory.resolve("bootstrap"), MAX_BOOTSTRAP, READ);
        List<Multiaddr> addresses = new ArrayList<>();
        if (text != null) {
            new String(text, StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank())
                    .forEach(line -> addresses.add(Multiaddr.parse(line.strip())));
        }
        return addresses;
    }

    void addBootstrap(List<Multiaddr> more) {
        Set<Multiaddr> all = new LinkedHashSet<>(more);
        all.addAll(bootstrap());
        StringBuilder text = new StringBuilder();
        all.stream().limit(256).forEach(address -> text.append(address).append('\n'));
        DurableFile.replace(directory.resolve("bootstrap"), text.toString().getBytes(StandardCharsets.UTF_8), WRITE);
    }

    /** What a node of this private network presents and checks. @throws PpiofsException ACCESS_DENIED without a certificate */
    public MembershipRoll roll() {
        MembershipCertificate own = certificate();
        if (own == null) {
            throw new PpiofsException(
                    ErrorKind.ACCESS_DENIED,
                    "join network",
                    genesis.name(),
                    "it is private and this home has no certificate; give your peer id ('ppiofs id') to who made it");
        }
        byte[] list = DurableFile.read(directory.resolve("revocations"), Envelope.MAX_ENCODED, READ);
        MembershipRoll roll =
                new MembershipRoll(genesis, own, list == null ? null : RevocationList.decode(list, genesis));
        roll.addListener(this::keep);
        return roll;
    }

    @Nullable
    MembershipCertificate certificate() {
        byte[] bytes = DurableFile.read(directory.resolve("certificate"), Envelope.MAX_ENCODED, READ);
        return bytes == null ? null : MembershipCertificate.decode(bytes, genesis);
    }

    void keep(MembershipCertificate certificate) {
        DurableFile.replace(directory.resolve("certificate"), certificate.encode(), WRITE);
    }

    void keep(RevocationList list) {
        DurableFile.replace(directory.resolve("revocations"), list.encode(), WRITE);
    }

    /** Keeps the secret with which members are certified, and an empty book. */
    void found(IdentityKey membershipKey) {
        DurableFile.replace(directory.resolve("membership.key"), membershipKey.toBytes(), WRITE);
        keep(MembershipAuthority.begin(genesis, membershipKey));
    }

    void keep(MembershipAuthority authority) {
        DurableFile.replace(directory.resolve("members"), authority.encodeBook(), WRITE);
    }

    /** What this home may do here: {@code owner}, {@code member}, {@code none} (certificate missing), {@code open}. */
    public String rights() {
        if (!genesis.isPrivate()) {
            return "open";
        }
        if (Files.exists(directory.resolve("membership.key"))) {
            return "owner";
        }
        return certificate() == null ? "none" : "member";
    }

    /** @throws PpiofsException NOT_PERMITTED if this home did not make the network, or it is open */
    public MembershipAuthority authority() {
        Path file = directory.resolve("membership.key");
        byte[] key = DurableFile.read(file, 1_024, READ);
        byte[] book = DurableFile.read(directory.resolve("members"), MAX_BOOK, READ);
        if (key == null || book == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED,
                    "network members",
                    genesis.name(),
                    genesis.isPrivate()
                            ? "only the home that made the network has its membership key"
                            : "the network is open: everybody may join, and nobody keeps a book of members");
        }
        return MembershipAuthority.resume(genesis, IdentityFile.parse(file, key), book);
    }

    /** @param more addresses before those that are known */
    public Invitation invitation(@Nullable MembershipCertificate certificate, List<Multiaddr> more) {
        Set<Multiaddr> addresses = new LinkedHashSet<>(more);
        addresses.addAll(bootstrap());
        return new Invitation(genesis, addresses.stream().limit(16).toList(), certificate);
    }
}
