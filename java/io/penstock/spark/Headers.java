package io.penstock.spark;

import io.penstock.headers.AddedHeaders;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.spark.sql.Row;

/** A record's own headers as Spark gives them. Of several with one name the last counts, as in the Flink jobs. */
final class Headers {

    /** Kafka's own upper bound of the two lengths of a header, as in io.penstock.flink.UnseenBytes. */
    private static final int LENGTHS = 2 * 5;

    private Headers() {}

    /** Returns the bytes of the last header of a name; null where there is none. */
    static byte[] find(List<Row> own, String name) {
        for (int i = own == null ? -1 : own.size() - 1; i >= 0; i--) {
            if (own.get(i).getString(0).equals(name)) {
                return (byte[]) own.get(i).get(1);
            }
        }
        return null;
    }

    /** Returns how many bytes headers take in Kafka, at most. */
    static int size(List<Row> own) {
        int bytes = 0;
        if (own != null) {
            for (Row header : own) {
                byte[] value = (byte[]) header.get(1);
                bytes += LENGTHS + header.getString(0).getBytes(StandardCharsets.UTF_8).length + (value == null ? 0 : value.length);
            }
        }
        return bytes;
    }

    /** Puts added headers onto own ones; an added header replaces an own one. */
    static RecordHeaders merged(List<Row> own, AddedHeaders added, byte[] place, byte[] time) {
        RecordHeaders merged = new RecordHeaders();
        int count = own == null ? 0 : own.size();
        for (int i = 0; i < count; i++) {
            String name = own.get(i).getString(0);
            if (!added.replaces(name) && !comesAgain(own, i, name)) {
                merged.add(name, (byte[]) own.get(i).get(1));
            }
        }
        String[] names = added.names();
        byte[][] values = added.filled(place, time);
        for (int i = 0; i < names.length; i++) {
            merged.add(names[i], values[i]);
        }
        return merged;
    }

    private static boolean comesAgain(List<Row> own, int at, String name) {
        for (int i = at + 1; i < own.size(); i++) {
            if (own.get(i).getString(0).equals(name)) {
                return true;
            }
        }
        return false;
    }
}
