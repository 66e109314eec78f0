package io.ppiofs.node.bench;

/**
 * One line of the table.
 *
 * @param item for example {@code Write big file}
 * @param value per second, all threads together
 * @param unit of value: {@code MiB/s} or {@code files/s}
 * @param cost seconds per file or milliseconds per file, of one thread
 * @param costUnit {@code s/file} or {@code ms/file}
 */
public record BenchResult(String item, double value, String unit, double cost, String costUnit) {}
