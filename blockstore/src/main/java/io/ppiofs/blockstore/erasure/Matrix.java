package io.ppiofs.blockstore.erasure;

import java.util.Arrays;

/** A matrix over {@link GaloisField}. Immutable. */
final class Matrix {
    private final byte[][] rows;

    private Matrix(byte[][] rows) {
        this.rows = rows;
    }

    /** Gives the element of a place. */
    @FunctionalInterface
    interface Element {
        int at(int row, int column);
    }

    static Matrix of(int rows, int columns, Element element) {
        byte[][] made = new byte[rows][columns];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                made[r][c] = (byte) element.at(r, c);
            }
        }
        return new Matrix(made);
    }

    int rows() {
        return rows.length;
    }

    int columns() {
        return rows[0].length;
    }

    int get(int row, int column) {
        return rows[row][column] & 0xff;
    }

    /** Some rows, in the order given. */
    Matrix pick(int[] which) {
        return of(which.length, columns(), (r, c) -> get(which[r], c));
    }

    Matrix times(Matrix other) {
        return of(rows(), other.columns(), (r, c) -> {
            int sum = 0;
            for (int i = 0; i < columns(); i++) {
                sum ^= GaloisField.multiply(get(r, i), other.get(i, c));
            }
            return sum;
        });
    }

    /** Gauss–Jordan elimination. @throws ArithmeticException if there is no inverse */
    Matrix inverse() {
        int n = rows();
        int[][] work = new int[n][2 * n];
        for (int r = 0; r < n; r++) {
            for (int c = 0; c < n; c++) {
                work[r][c] = get(r, c);
            }
            work[r][n + r] = 1;
        }
        for (int i = 0; i < n; i++) {
            swapIn(work, i);
            scale(work[i], GaloisField.inverse(work[i][i]));
            for (int r = 0; r < n; r++) {
                if (r != i && work[r][i] != 0) {
                    addScaled(work[r], work[i], work[r][i]);
                }
            }
        }
        return of(n, n, (r, c) -> work[r][n + c]);
    }

    /** Brings a row whose element {@code i} is not 0 to place {@code i}. */
    private static void swapIn(int[][] work, int i) {
        int r = i;
        while (r < work.length && work[r][i] == 0) {
            r++;
        }
        if (r == work.length) {
            throw new ArithmeticException("the matrix has no inverse");
        }
        int[] found = work[r];
        work[r] = work[i];
        work[i] = found;
    }

    private static void scale(int[] row, int factor) {
        Arrays.setAll(row, i -> GaloisField.multiply(row[i], factor));
    }

    private static void addScaled(int[] row, int[] other, int factor) {
        Arrays.setAll(row, i -> row[i] ^ GaloisField.multiply(other[i], factor));
    }
}
