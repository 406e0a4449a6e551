package io.penstock.flink;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * SQL function that hands a record's topic and the texts of some headers to Python as one string, in the order of their
 * names and with a separator between them; a header that is not there is an empty text. Records of one kind have the same string, so
 * that Python looks it up instead of taking it apart, and one column crosses instead of several.
 */
public final class RecordTexts extends ScalarFunction {

    private static final byte SEPARATOR = 0x1f;
    private static final byte REPLACEMENT = '?';
    /** Kafka's own bound is 249. */
    private static final int MOST_TOPIC_BYTES = 1024;

    private transient byte[] joined;

    /** Returns the texts. */
    public @DataTypeHint(value = "STRING", bridgedTo = StringData.class) StringData eval(
            @DataTypeHint(value = "STRING", bridgedTo = StringData.class) StringData topic,
            @DataTypeHint(value = "MAP<STRING, BYTES>", bridgedTo = MapData.class) MapData headers,
            @DataTypeHint(value = "STRING", bridgedTo = StringData.class) StringData... names) {
        if (joined == null) {
            joined = new byte[MOST_TOPIC_BYTES];
        }
        int length = append(topic.toBytes(), 0);
        for (StringData name : names) {
            byte[] text = headers == null ? null : find(headers, name);
            int needed = length + 1 + (text == null ? 0 : 3 * text.length);
            if (needed > joined.length) {
                joined = Arrays.copyOf(joined, 2 * needed);
            }
            joined[length++] = SEPARATOR;
            if (text != null) {
                length = append(text, length);
            }
        }
        return StringData.fromBytes(Arrays.copyOf(joined, length));
    }

    private static byte[] find(MapData headers, StringData name) {
        if (headers instanceof GenericMapData) {
            return (byte[]) ((GenericMapData) headers).get(name);
        }
        ArrayData keys = headers.keyArray();
        for (int i = 0; i < headers.size(); i++) {
            if (keys.getString(i).equals(name)) {
                return headers.valueArray().isNullAt(i) ? null : headers.valueArray().getBinary(i);
            }
        }
        return null;
    }

    /** Python refuses what is no UTF-8, and a separator inside of a text would shift those that follow. */
    private int append(byte[] text, int start) {
        int at = start;
        for (byte letter : text) {
            if (letter < 0) {
                byte[] mended = new String(text, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8);
                return copy(mended, start);
            }
            joined[at++] = letter == SEPARATOR ? REPLACEMENT : letter;
        }
        return at;
    }

    private int copy(byte[] text, int start) {
        int at = start;
        for (byte letter : text) {
            joined[at++] = letter == SEPARATOR ? REPLACEMENT : letter;
        }
        return at;
    }
}
