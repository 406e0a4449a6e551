package io.penstock.headers;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The headers that Python adds to a record, as it packed them into one string (penstock/event.py, pack_headers).
 *
 * <p>Python leaves two blanks for what it need not see: {@link #PLACE} stands for the record's coordinates, {@link #TIME}
 * for its timestamp. No engine is known here: what fills its records with them is beside its other classes.
 */
public final class AddedHeaders {

    private static final byte ENTRY_SEPARATOR = 0x1e;
    private static final byte KEY_SEPARATOR = 0x1f;
    /** A value that is this one byte is replaced by {@code topic/partition/offset}. */
    private static final byte PLACE = 0x1a;
    /** A value that is this one byte is replaced by the timestamp in RFC 3339 form. */
    private static final byte TIME = 0x19;

    /** Nothing is added. */
    public static final AddedHeaders NONE = new AddedHeaders(List.of(), List.of());

    private final String[] names;
    private final byte[][] values;
    private final byte[] blanks;
    private boolean hasPlace;
    private boolean hasTime;

    private AddedHeaders(List<String> names, List<byte[]> values) {
        this.names = names.toArray(new String[0]);
        this.values = values.toArray(new byte[0][]);
        this.blanks = new byte[this.names.length];
        for (int i = 0; i < blanks.length; i++) {
            byte[] value = this.values[i];
            if (value.length == 1 && (value[0] == PLACE || value[0] == TIME)) {
                blanks[i] = value[0];
                hasPlace |= value[0] == PLACE;
                hasTime |= value[0] == TIME;
            }
        }
    }

    /** Unpacks them; the names and values are texts in UTF-8. */
    public static AddedHeaders unpack(byte[] packed) {
        List<String> names = new ArrayList<>();
        List<byte[]> values = new ArrayList<>();
        int start = 0;
        while (start < packed.length) {
            int end = find(packed, ENTRY_SEPARATOR, start, packed.length);
            int middle = find(packed, KEY_SEPARATOR, start, end);
            names.add(new String(packed, start, middle - start, StandardCharsets.UTF_8));
            values.add(Arrays.copyOfRange(packed, Math.min(middle + 1, end), end));
            start = end + 1;
        }
        return new AddedHeaders(names, values);
    }

    /** Their names, in their order; not to be changed. */
    public String[] names() {
        return names;
    }

    /** Whether one of them is the record's coordinates. */
    public boolean hasPlace() {
        return hasPlace;
    }

    /** Whether one of them is the record's timestamp. */
    public boolean hasTime() {
        return hasTime;
    }

    /** Returns the values with the blanks filled in; a new array where there are any. */
    public byte[][] filled(byte[] place, byte[] time) {
        if (!hasPlace && !hasTime) {
            return values;
        }
        byte[][] texts = Arrays.copyOf(values, values.length);
        for (int i = 0; i < blanks.length; i++) {
            if (blanks[i] != 0) {
                texts[i] = blanks[i] == PLACE ? place : time;
            }
        }
        return texts;
    }

    /** Whether one of them takes the place of a record's own header of that name. */
    public boolean replaces(String name) {
        for (String mine : names) {
            if (mine.equals(name)) {
                return true;
            }
        }
        return false;
    }

    private static int find(byte[] bytes, byte wanted, int from, int to) {
        int at = from;
        while (at < to && bytes[at] != wanted) {
            at++;
        }
        return at;
    }
}
