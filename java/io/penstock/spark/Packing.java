package io.penstock.spark;

import io.penstock.headers.AddedHeaders;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How batches cross to Python and back: column by column in one array of bytes, because a call for each element would
 * cost more than all else. Whole numbers are written highest byte first; jobs/spark_job/packing.py is the other side.
 */
final class Packing {

    private static final char SEPARATOR = 0x1f;
    /** Kafka's own upper bound of a record without key, value and headers, as in io.penstock.flink.UnseenBytes. */
    private static final int RECORD = 97;

    private Packing() {}

    /** A delivery: what becomes of one row. A topic that is null: nothing. */
    record Delivery(String topic, AddedHeaders headers, boolean hasValue, byte[] value) {}

    /**
     * Packs rows: the batch's number, their count, then of all rows the timestamps (8 bytes each), the bytes that are not
     * seen, the lengths of the values (-1: null), which text they have (4 each), then the texts, and the values.
     */
    static byte[] rows(long number, List<Waiting> rows, String[] headers) {
        Map<String, Integer> texts = new LinkedHashMap<>();
        int[] kinds = new int[rows.size()];
        int bytes = 0;
        for (int i = 0; i < kinds.length; i++) {
            Waiting row = rows.get(i);
            kinds[i] = texts.computeIfAbsent(text(row, headers), text -> texts.size());
            bytes += row.value == null ? 0 : row.value.length;
        }
        List<byte[]> known = new ArrayList<>();
        for (String text : texts.keySet()) {
            byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
            known.add(encoded);
            bytes += Integer.BYTES + encoded.length;
        }
        int fixed = Long.BYTES + 2 * Integer.BYTES + kinds.length * (Long.BYTES + 3 * Integer.BYTES);
        ByteBuffer packed = ByteBuffer.allocate(Math.addExact(fixed, bytes));
        packed.putLong(number).putInt(kinds.length);
        rows.forEach(row -> packed.putLong(row.timestamp));
        rows.forEach(row -> packed.putInt(unseen(row)));
        rows.forEach(row -> packed.putInt(row.value == null ? -1 : row.value.length));
        for (int kind : kinds) {
            packed.putInt(kind);
        }
        packed.putInt(known.size());
        known.forEach(text -> packed.putInt(text.length).put(text));
        for (Waiting row : rows) {
            if (row.value != null) {
                packed.put(row.value);
            }
        }
        return packed.array();
    }

    /** Topic and the texts of some headers, as io.penstock.flink.RecordTexts joins them. */
    private static String text(Waiting row, String[] names) {
        StringBuilder joined = new StringBuilder(row.topic);
        for (String name : names) {
            joined.append(SEPARATOR);
            byte[] value = Headers.find(row.headers, name);
            if (value != null) {
                joined.append(new String(value, StandardCharsets.UTF_8).replace(SEPARATOR, '?'));
            }
        }
        return joined.toString();
    }

    private static int unseen(Waiting row) {
        return RECORD + (row.key == null ? 0 : row.key.length) + row.headerBytes;
    }

    /**
     * Unpacks deliveries: their count, the topics, the added headers, then of all deliveries which topic (-1: none), which
     * headers, and the length of the value (-1: the row's own), and the values.
     */
    static Delivery[] deliveries(byte[] bytes) {
        ByteBuffer packed = ByteBuffer.wrap(bytes);
        int count = packed.getInt();
        List<byte[]> topics = texts(packed);
        String[] names = topics.stream().map(text -> new String(text, StandardCharsets.UTF_8)).toArray(String[]::new);
        AddedHeaders[] added = texts(packed).stream().map(AddedHeaders::unpack).toArray(AddedHeaders[]::new);
        ByteBuffer kinds = packed.slice();
        ByteBuffer values = packed.position(packed.position() + count * 3 * Integer.BYTES);
        Delivery[] deliveries = new Delivery[count];
        for (int i = 0; i < count; i++) {
            int topic = kinds.getInt(i * Integer.BYTES);
            int headers = kinds.getInt((count + i) * Integer.BYTES);
            int length = kinds.getInt((2 * count + i) * Integer.BYTES);
            byte[] value = length < 0 ? null : new byte[length];
            if (value != null) {
                values.get(value);
            }
            deliveries[i] = new Delivery(topic < 0 ? null : names[topic], added[headers], length >= 0, value);
        }
        return deliveries;
    }

    private static List<byte[]> texts(ByteBuffer packed) {
        List<byte[]> texts = new ArrayList<>();
        for (int left = packed.getInt(); left > 0; left--) {
            byte[] text = new byte[packed.getInt()];
            packed.get(text);
            texts.add(text);
        }
        return texts;
    }
}
