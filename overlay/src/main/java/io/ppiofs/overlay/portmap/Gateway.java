package io.ppiofs.overlay.portmap;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The default IPv4 router of this machine, from Linux's routing table. */
final class Gateway {
    private static final Path ROUTES = Path.of("/proc/net/route");

    private Gateway() {}

    static Optional<InetAddress> find() throws IOException {
        return Files.isReadable(ROUTES) ? find(Files.readString(ROUTES, StandardCharsets.US_ASCII)) : Optional.empty();
    }

    /** @param table columns: interface, destination, gateway (hexadecimal, least significant byte first), flags … */
    static Optional<InetAddress> find(String table) throws IOException {
        for (String line : table.split("\n")) {
            String[] columns = line.trim().split("\\s+");
            boolean isDefault = columns.length > 7 && columns[1].equals("00000000") && columns[7].equals("00000000");
            if (isDefault && columns[2].matches("[0-9A-Fa-f]{8}") && !columns[2].equals("00000000")) {
                int value = Integer.reverseBytes((int) Long.parseLong(columns[2], 16));
                byte[] ip = java.nio.ByteBuffer.allocate(4).putInt(value).array();
                return Optional.of(InetAddress.getByAddress(ip));
            }
        }
        return Optional.empty();
    }
}
