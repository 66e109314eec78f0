package io.ppiofs.node.storage;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.control.Request;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.storage.GrantBook;
import io.ppiofs.overlay.storage.GrantInvitation;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** The operations of the control protocol behind {@code ppiofs grant}. Thread-safe. */
public final class GrantOperations {
    private final Path directory;
    private final Supplier<@Nullable StorageService> running;
    private final Supplier<PeerId> self;
    private final Supplier<List<Multiaddr>> addresses;
    private final SecureRandom random = new SecureRandom();

    /**
     * @param directory of the hosted blocks
     * @param running the service, while the node lends
     * @param self the node's peer id
     * @param addresses under which it is reached now, for invitations
     */
    public GrantOperations(
            Path directory,
            Supplier<@Nullable StorageService> running,
            Supplier<PeerId> self,
            Supplier<List<Multiaddr>> addresses) {
        this.directory = directory;
        this.running = running;
        this.self = self;
        this.addresses = addresses;
    }

    /** @throws PpiofsException NOT_SUPPORTED if the operation is none of grants */
    public Map<String, @Nullable Object> handle(Request request) {
        return switch (request.operation()) {
            case "grant.add" -> add(request);
            case "grant.list" -> withBook(GrantOperations::list);
            case "grant.invite" -> invite(request);
            case "grant.revoke" -> revoke(request);
            case "grant.open" -> open(request);
            default ->
                throw new PpiofsException(
                        ErrorKind.NOT_SUPPORTED, "node", request.operation(), "is nothing this node can do");
        };
    }

    /** Works on the book. */
    private interface Work {
        Map<String, @Nullable Object> on(GrantBook book, ToLongFunction<PeerId> used);
    }

    private synchronized Map<String, @Nullable Object> withBook(Work work) {
        StorageService service = running.get();
        if (service != null) {
            return work.on(service.storage().grants(), service.storage()::usedBy);
        }
        try (GrantBook book = GrantBook.open(directory)) {
            return work.on(book, tenant -> -1);
        }
    }

    private Map<String, @Nullable Object> add(Request request) {
        PeerId tenant = PeerId.parse(request.text("tenant"));
        long bytes = bytes(request, "bytes");
        return withBook((book, used) -> account(book.allow(tenant, bytes, System.currentTimeMillis()), used));
    }

    private Map<String, @Nullable Object> invite(Request request) {
        long bytes = bytes(request, "bytes");
        return withBook((book, used) -> {
            List<Multiaddr> places = addresses.get();
            GrantInvitation invitation = new GrantInvitation(
                    self.get(),
                    book.invite(bytes, random),
                    bytes,
                    places.stream().map(Multiaddr::withoutPeer).limit(8).toList());
            Map<String, @Nullable Object> facts = new LinkedHashMap<>();
            facts.put("invitation", invitation.print());
            facts.put("bytes", bytes);
            return facts;
        });
    }

    private Map<String, @Nullable Object> revoke(Request request) {
        String subject = request.text("subject");
        return withBook((book, used) -> {
            boolean invitation = subject.matches("[0-9a-f]{24}");
            boolean done = invitation ? book.withdraw(subject) : book.revoke(PeerId.parse(subject));
            if (!done) {
                throw new PpiofsException(
                        ErrorKind.NOT_FOUND,
                        "revoke",
                        subject,
                        "is no tenant or open invitation; see 'ppiofs grant list'");
            }
            Map<String, @Nullable Object> facts = new LinkedHashMap<>();
            facts.put("revoked", subject);
            return facts;
        });
    }

    private Map<String, @Nullable Object> open(Request request) {
        long bytes = bytesOrZero(request, "bytes");
        String prefix = request.textOrNull("perPrefix");
        long perPrefix = prefix == null ? bytes : parse(prefix);
        return withBook((book, used) -> {
            book.setOpen(new GrantBook.OpenMode(bytes, perPrefix));
            return openMode(book.open());
        });
    }

    private static Map<String, @Nullable Object> list(GrantBook book, ToLongFunction<PeerId> used) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        List<Object> grants = new ArrayList<>();
        book.accounts().forEach(account -> grants.add(account(account, used)));
        facts.put("grants", grants);
        List<Object> invitations = new ArrayList<>();
        for (GrantBook.Invited invited : book.invitations()) {
            Map<String, @Nullable Object> one = new LinkedHashMap<>();
            one.put("id", invited.hash());
            one.put("bytes", invited.bytes());
            PeerId usedBy = invited.usedBy();
            one.put("usedBy", usedBy == null ? null : usedBy.toString());
            invitations.add(one);
        }
        facts.put("invitations", invitations);
        facts.put("open", openMode(book.open()));
        return facts;
    }

    private static Map<String, @Nullable Object> account(GrantBook.Account account, ToLongFunction<PeerId> used) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("tenant", account.tenant().toString());
        facts.put("bytes", account.bytes());
        long now = used.applyAsLong(account.tenant());
        facts.put("usedBytes", now < 0 ? null : now);
        facts.put("kind", account.kind().name().toLowerCase(Locale.ROOT).replace('_', '-'));
        facts.put("issued", Instant.ofEpochMilli(account.issuedMillis()).toString());
        facts.put("state", account.revoked() ? "revoked" : "live");
        return facts;
    }

    private static Map<String, @Nullable Object> openMode(GrantBook.OpenMode mode) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("bytes", mode.bytes());
        facts.put("perPrefix", mode.perPrefix());
        return facts;
    }

    private static long bytes(Request request, String name) {
        long bytes = bytesOrZero(request, name);
        if (bytes < 1) {
            throw new PpiofsException(ErrorKind.INVALID, "grant", "0 bytes", "give a size like 10GiB");
        }
        return bytes;
    }

    private static long bytesOrZero(Request request, String name) {
        return parse(request.text(name));
    }

    private static long parse(String text) {
        try {
            return ByteSize.parse(text).bytes();
        } catch (IllegalArgumentException e) {
            throw new PpiofsException(ErrorKind.INVALID, "grant", text, "is no size: " + e.getMessage(), e);
        }
    }
}
