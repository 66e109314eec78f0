package io.ppiofs.overlay.portmap;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.net.InetAddresses;
import java.io.IOException;
import java.io.InputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.URL;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * UPnP Internet Gateway Device: SSDP search, device description, SOAP calls AddPortMapping, GetExternalIPAddress and
 * DeletePortMapping. The description must lie on the host that answered the search, or else any device could make us send
 * requests anywhere. The documents are searched for the few elements needed, not parsed as XML: nothing is expanded.
 */
final class UpnpIgd implements PortMapper {
    private static final String SEARCH = String.join(
            "\r\n",
            "M-SEARCH * HTTP/1.1",
            "HOST: 239.255.255.250:1900",
            "MAN: \"ssdp:discover\"",
            "MX: 1",
            "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1",
            "",
            "");
    private static final Pattern LOCATION = Pattern.compile("(?im)^location:\\s*(http://\\S+)\\s*$");
    private static final Pattern SERVICE = Pattern.compile("(?s)<service>(.{1,4096}?)</service>");
    private static final int MAX_DOCUMENT = 64 * 1024;
    private static final int TIMEOUT_MILLIS = 3_000;
    private static final int ONLY_PERMANENT = 725;

    /** Where the calls go. */
    private record Control(URL url, String type, InetAddress local) {}

    private final InetSocketAddress search;
    private @Nullable Control control;

    /** @param search where devices are looked for: 239.255.255.250 port 1900 */
    UpnpIgd(InetSocketAddress search) {
        this.search = search;
    }

    @Override
    public String name() {
        return "UPnP";
    }

    @Override
    public Mapping map(Protocol protocol, int port, Duration life) throws IOException {
        Control to = control();
        String external = element(call(to, "GetExternalIPAddress", ""), "NewExternalIPAddress")
                .orElseThrow(() -> new IOException("the router tells no external address"));
        if (!InetAddresses.isInetAddress(external)) {
            throw new IOException("the router's external address is not one");
        }
        try {
            call(to, "AddPortMapping", mapping(to, protocol, port, life));
        } catch (SoapFault e) {
            if (e.code != ONLY_PERMANENT) {
                throw e;
            }
            // some routers know mappings without end only; it is taken back on close
            call(to, "AddPortMapping", mapping(to, protocol, port, Duration.ZERO));
        }
        return new Mapping(new InetSocketAddress(InetAddresses.forString(external), port), life);
    }

    private static String mapping(Control to, Protocol protocol, int port, Duration life) {
        return "<NewRemoteHost></NewRemoteHost><NewExternalPort>" + port + "</NewExternalPort><NewProtocol>" + protocol
                + "</NewProtocol><NewInternalPort>" + port + "</NewInternalPort><NewInternalClient>"
                + to.local.getHostAddress() + "</NewInternalClient><NewEnabled>1</NewEnabled>"
                + "<NewPortMappingDescription>ppiofs</NewPortMappingDescription><NewLeaseDuration>" + life.toSeconds()
                + "</NewLeaseDuration>";
    }

    @Override
    public void unmap(Protocol protocol, int port) throws IOException {
        call(
                control(),
                "DeletePortMapping",
                "<NewRemoteHost></NewRemoteHost><NewExternalPort>" + port + "</NewExternalPort><NewProtocol>" + protocol
                        + "</NewProtocol>");
    }

    private Control control() throws IOException {
        Control known = control;
        if (known == null) {
            known = discover();
            control = known;
        }
        return known;
    }

    private Control discover() throws IOException {
        try (DatagramSocket socket = new DatagramSocket()) {
            byte[] request = SEARCH.getBytes(UTF_8);
            socket.send(new DatagramPacket(request, request.length, search));
            socket.setSoTimeout(TIMEOUT_MILLIS);
            DatagramPacket packet = new DatagramPacket(new byte[2_048], 2_048);
            socket.receive(packet);
            String answer = new String(packet.getData(), 0, packet.getLength(), UTF_8);
            Matcher location = LOCATION.matcher(answer);
            if (!location.find()) {
                throw new IOException("the device tells no location");
            }
            URL description = url(location.group(1), packet.getAddress());
            return control(description, packet.getAddress());
        } catch (SocketTimeoutException e) {
            throw new IOException("no UPnP router answers", e);
        }
    }

    private static URL url(String text, InetAddress answered) throws IOException {
        try {
            URI uri = URI.create(text);
            String host = uri.getHost();
            boolean same = host != null
                    && InetAddresses.isInetAddress(host)
                    && InetAddresses.forString(host).equals(answered);
            if (!same || !"http".equals(uri.getScheme())) {
                throw new IOException("the device points to another host");
            }
            return uri.toURL();
        } catch (IllegalArgumentException e) {
            throw new IOException("the device's location is malformed", e);
        }
    }

    private static Control control(URL description, InetAddress router) throws IOException {
        HttpURLConnection connection = open(description);
        String document = read(connection);
        Matcher services = SERVICE.matcher(document);
        while (services.find()) {
            String type = element(services.group(1), "serviceType").orElse("");
            Optional<String> path = element(services.group(1), "controlURL");
            if (type.matches("urn:schemas-upnp-org:service:WAN(IP|PPP)Connection:[12]") && path.isPresent()) {
                URL control = url(resolved(description, path.get()), router);
                return new Control(control, type, localTowards(router, description.getPort()));
            }
        }
        throw new IOException("the device is no Internet gateway");
    }

    private static String resolved(URL base, String path) {
        return URI.create(base.toString()).resolve(path).toString();
    }

    private static InetAddress localTowards(InetAddress router, int port) throws IOException {
        return new RouterSocket(new InetSocketAddress(router, Math.max(port, 1))).localAddress();
    }

    private static HttpURLConnection open(URL url) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) url.openConnection(Proxy.NO_PROXY);
        connection.setConnectTimeout(TIMEOUT_MILLIS);
        connection.setReadTimeout(TIMEOUT_MILLIS);
        connection.setInstanceFollowRedirects(false);
        return connection;
    }

    private static String read(HttpURLConnection connection) throws IOException {
        boolean failed = connection.getResponseCode() >= 400;
        try (InputStream in = failed ? connection.getErrorStream() : connection.getInputStream()) {
            return in == null ? "" : new String(in.readNBytes(MAX_DOCUMENT), UTF_8);
        } finally {
            connection.disconnect();
        }
    }

    /** A SOAP fault with UPnP's error code. */
    private static final class SoapFault extends IOException {
        private static final long serialVersionUID = 1L;

        final int code;

        SoapFault(String action, int code) {
            super("the router refuses " + action + " with UPnP error " + code);
            this.code = code;
        }
    }

    private static String call(Control to, String action, String arguments) throws IOException {
        String body = "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\""
                + " s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><u:" + action + " xmlns:u=\""
                + to.type + "\">" + arguments + "</u:" + action + "></s:Body></s:Envelope>";
        HttpURLConnection connection = open(to.url);
        connection.setRequestMethod("POST");
        connection.setDoOutput(true);
        connection.setRequestProperty("Content-Type", "text/xml; charset=\"utf-8\"");
        connection.setRequestProperty("SOAPAction", "\"" + to.type + "#" + action + "\"");
        connection.getOutputStream().write(body.getBytes(UTF_8));
        int status = connection.getResponseCode();
        String answer = read(connection);
        if (status != HttpURLConnection.HTTP_OK) {
            String code = element(answer, "errorCode")
                    .filter(c -> c.matches("\\d{1,5}"))
                    .orElse("0");
            throw new SoapFault(action, Integer.parseInt(code));
        }
        return answer;
    }

    /** The text of the first element of this name. */
    private static Optional<String> element(String document, String name) {
        String lower = document.toLowerCase(Locale.ROOT);
        String open = "<" + name.toLowerCase(Locale.ROOT) + ">";
        int from = lower.indexOf(open);
        int to = from < 0 ? -1 : lower.indexOf("</" + name.toLowerCase(Locale.ROOT) + ">", from);
        return to < 0
                ? Optional.empty()
                : Optional.of(document.substring(from + open.length(), to).strip());
    }
}
