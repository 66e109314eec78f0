package io.ppiofs.overlay.bootstrap;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.Hashtable;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import javax.naming.Context;
import javax.naming.NameNotFoundException;
import javax.naming.NamingException;
import javax.naming.directory.Attribute;
import javax.naming.directory.InitialDirContext;

/**
 * Turns {@code /dnsaddr/NAME} into the addresses that the TXT records {@code dnsaddr=…} of {@code _dnsaddr.NAME} tell, which
 * may be of that kind again (specification "dnsaddr"). At most 16 names are asked for and 32 addresses given. Blocks.
 */
public final class DnsaddrResolver {
    private static final int MAX_LOOKUPS = 16;
    private static final int MAX_ADDRESSES = 32;
    private static final String PREFIX = "dnsaddr=";

    /** The texts of a name's TXT records; none if it has none. */
    @FunctionalInterface
    public interface Texts {
        List<String> of(String name) throws NamingException;
    }

    private final Texts texts;

    public DnsaddrResolver(Texts texts) {
        this.texts = texts;
    }

    /** @param servers {@code dns:} for the platform's, or {@code dns://HOST:PORT} */
    public static DnsaddrResolver asking(String servers) {
        return new DnsaddrResolver(name -> lookUp(servers, name));
    }

    /** Whether there is anything to resolve. */
    public static boolean concerns(Multiaddr address) {
        return address.parts().get(0).protocol() == AddressProtocol.DNSADDR;
    }

    /**
     * Addresses of the peer that {@code address} ends in, of any peer if it names none; each ends in {@code /p2p/PEER}.
     * Fails with NOT_CONNECTED if the first name cannot be asked for.
     */
    public List<Multiaddr> resolve(Multiaddr address) {
        Set<Multiaddr> found = new LinkedHashSet<>();
        Set<String> asked = new HashSet<>();
        Deque<String> names = new ArrayDeque<>(List.of(name(address)));
        while (!names.isEmpty() && asked.size() < MAX_LOOKUPS) {
            String name = names.poll();
            if (asked.add(name)) {
                for (Multiaddr told : ask(name, address, asked.size() == 1)) {
                    boolean wanted = told.peer().isPresent()
                            && address.peer().map(told.peer().get()::equals).orElse(true);
                    if (concerns(told)) {
                        names.add(name(told));
                    } else if (wanted && found.size() < MAX_ADDRESSES) {
                        found.add(told);
                    }
                }
            }
        }
        return new ArrayList<>(found);
    }

    private static String name(Multiaddr address) {
        return "_dnsaddr." + address.parts().get(0).value().toLowerCase(Locale.ROOT);
    }

    private List<Multiaddr> ask(String name, Multiaddr address, boolean first) {
        try {
            List<Multiaddr> told = new ArrayList<>();
            for (String text : texts.of(name)) {
                if (text.startsWith(PREFIX)) {
                    parse(text.substring(PREFIX.length())).ifPresent(told::add);
                }
            }
            return told;
        } catch (NamingException e) {
            if (first) {
                throw new PpiofsException(
                        ErrorKind.NOT_CONNECTED,
                        "resolve",
                        address.toString(),
                        "the TXT records of " + name + " cannot be had: " + e.getMessage(),
                        e);
            }
            return List.of(); // one branch of several
        }
    }

    private static Optional<Multiaddr> parse(String text) {
        try {
            return Optional.of(Multiaddr.parse(text));
        } catch (PpiofsException e) {
            return Optional.empty(); // a form of address that is not known here
        }
    }

    /** The DNS provider gives attributes as strings; it is other providers whose answers are dangerous. */
    @SuppressWarnings("BanJNDI")
    private static List<String> lookUp(String servers, String name) throws NamingException {
        Hashtable<String, String> environment = new Hashtable<>();
        environment.put(Context.INITIAL_CONTEXT_FACTORY, "com.sun.jndi.dns.DnsContextFactory");
        environment.put(Context.PROVIDER_URL, servers);
        environment.put("com.sun.jndi.dns.timeout.initial", "2000");
        environment.put("com.sun.jndi.dns.timeout.retries", "2");
        InitialDirContext context = new InitialDirContext(environment);
        try {
            Attribute records =
                    context.getAttributes(name, new String[] {"TXT"}).get("TXT");
            List<String> found = new ArrayList<>();
            if (records != null) {
                for (Object record : Collections.list(records.getAll())) {
                    found.add(record.toString());
                }
            }
            return found;
        } catch (NameNotFoundException e) {
            return List.of();
        } finally {
            context.close();
        }
    }
}
