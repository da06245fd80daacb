package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Values of a tree to records and back; every error names its key. */
final class RecordBinder {
  /** YAML 1.1 reads 1e-4 as a text. */
  private static final Pattern NUMBER =
      Pattern.compile("[-+]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][-+]?\\d+)?");

  private RecordBinder() {}

  static Object bind(JsonNode node, Class<?> type) {
    return record("", node, type);
  }

  private static Object record(String path, JsonNode node, Class<?> type) {
    if (!node.isObject()) {
      throw wrong(path, "keys and values", node);
    }
    RecordComponent[] components = type.getRecordComponents();
    List<String> known = Arrays.stream(components).map(RecordComponent::getName).toList();
    node.fieldNames()
        .forEachRemaining(
            name -> {
              if (!known.contains(name)) {
                throw new IllegalArgumentException(
                    key(path, name) + ": expected one of " + known + ", found an unknown key");
              }
            });
    Object[] values = new Object[components.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = component(key(path, known.get(i)), components[i], node.get(known.get(i)));
    }
    return construct(path, type, components, values);
  }

  private static Object component(String key, RecordComponent component, JsonNode given) {
    JsonNode node = given;
    if (given == null || given.isNull()) {
      StageConfig.Default standard = component.getAnnotation(StageConfig.Default.class);
      if (standard == null) {
        throw new IllegalArgumentException(
            key + ": expected " + kind(component.getGenericType()) + ", found nothing");
      }
      node = StageConfig.yaml(standard.value());
      if (node.isNull()) {
        return null;
      }
    }
    return value(key, component.getGenericType(), node);
  }

  private static Object construct(
      String path, Class<?> type, RecordComponent[] components, Object[] values) {
    Class<?>[] types =
        Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
    try {
      Constructor<?> constructor = type.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor.newInstance(values);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof IllegalArgumentException refused) {
        String where = path.isEmpty() ? "" : path + ": ";
        throw new IllegalArgumentException(where + refused.getMessage(), refused);
      }
      throw new IllegalStateException(type + ": its constructor failed", e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(type + ": expected a record that can be made", e);
    }
  }

  private static Object value(String key, Type type, JsonNode node) {
    if (type instanceof ParameterizedType list && list.getRawType() == List.class) {
      return list(key, list.getActualTypeArguments()[0], node);
    }
    Class<?> plain = (Class<?>) type;
    if (plain.isRecord()) {
      return record(key, node, plain);
    }
    if (plain.isEnum()) {
      return constant(key, plain, node);
    }
    if (plain == String.class && node.isValueNode()) {
      return node.asText();
    }
    if (plain == Path.class && node.isTextual() && !node.asText().isBlank()) {
      return Path.of(node.asText());
    }
    if (plain == boolean.class && node.isBoolean()) {
      return node.asBoolean();
    }
    if (isInt(plain) && node.isIntegralNumber() && node.canConvertToInt()) {
      return node.asInt();
    }
    if (isLong(plain) && node.isIntegralNumber() && node.canConvertToLong()) {
      return node.asLong();
    }
    boolean number = node.isNumber() || node.isTextual() && isNumber(node.asText());
    if (isDouble(plain) && number) {
      return Double.parseDouble(node.asText());
    }
    throw wrong(key, kind(type), node);
  }

  private static boolean isNumber(String text) {
    return NUMBER.matcher(text).matches();
  }

  private static boolean isInt(Class<?> type) {
    return type == int.class || type == Integer.class;
  }

  private static boolean isLong(Class<?> type) {
    return type == long.class || type == Long.class;
  }

  private static boolean isDouble(Class<?> type) {
    return type == double.class || type == Double.class;
  }

  private static List<Object> list(String key, Type element, JsonNode node) {
    if (!node.isArray()) {
      throw wrong(key, "a list", node);
    }
    List<Object> out = new ArrayList<>();
    for (JsonNode each : node) {
      out.add(value(key + "[" + out.size() + "]", element, each));
    }
    return List.copyOf(out);
  }

  private static Object constant(String key, Class<?> type, JsonNode node) {
    for (Object constant : type.getEnumConstants()) {
      if (spelled(constant).equalsIgnoreCase(node.asText().replace('_', '-'))) {
        return constant;
      }
    }
    throw wrong(key, kind(type), node);
  }

  private static String spelled(Object constant) {
    return ((Enum<?>) constant).name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static String kind(Type type) {
    if (!(type instanceof Class<?> plain)) {
      return "a list";
    }
    if (plain.isEnum()) {
      return Arrays.stream(plain.getEnumConstants())
          .map(RecordBinder::spelled)
          .collect(Collectors.joining(", ", "one of ", ""));
    }
    if (plain.isRecord()) {
      return "keys and values";
    }
    if (plain == Path.class) {
      return "a path";
    }
    if (plain == boolean.class) {
      return "true or false";
    }
    if (isDouble(plain)) {
      return "a number";
    }
    return plain == String.class ? "a text" : "a whole number";
  }

  private static String key(String path, String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  private static IllegalArgumentException wrong(String key, String expected, JsonNode found) {
    String where = key.isEmpty() ? "" : key + ": ";
    return new IllegalArgumentException(where + "expected " + expected + ", found " + found);
  }

  static ObjectNode toJson(Record config) {
    ObjectNode out = JsonNodeFactory.instance.objectNode();
    for (RecordComponent component : config.getClass().getRecordComponents()) {
      out.set(component.getName(), toJson(read(config, component)));
    }
    return out;
  }

  private static Object read(Record config, RecordComponent component) {
    try {
      component.getAccessor().setAccessible(true);
      return component.getAccessor().invoke(config);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(component + ": expected to be readable", e);
    }
  }

  private static JsonNode toJson(Object value) {
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    if (value == null) {
      return nodes.nullNode();
    } else if (value instanceof Record nested) {
      return toJson(nested);
    } else if (value instanceof List<?> list) {
      ArrayNode out = nodes.arrayNode();
      list.forEach(each -> out.add(toJson(each)));
      return out;
    } else if (value instanceof Boolean flag) {
      return nodes.booleanNode(flag);
    } else if (value instanceof Integer number) {
      return nodes.numberNode(number);
    } else if (value instanceof Long number) {
      return nodes.numberNode(number);
    } else if (value instanceof Double number) {
      return nodes.numberNode(number);
    }
    return nodes.textNode(value instanceof Enum<?> constant ? spelled(constant) : value.toString());
  }

  static Map<String, String> keys(Class<?> type) {
    Map<String, String> out = new LinkedHashMap<>();
    keys("", type, out);
    return out;
  }

  private static void keys(String path, Class<?> type, Map<String, String> into) {
    for (RecordComponent component : type.getRecordComponents()) {
      String key = key(path, component.getName());
      StageConfig.Default standard = component.getAnnotation(StageConfig.Default.class);
      boolean list = component.getGenericType() instanceof ParameterizedType;
      Type element =
          list
              ? ((ParameterizedType) component.getGenericType()).getActualTypeArguments()[0]
              : component.getType();
      boolean nested = element instanceof Class<?> plain && plain.isRecord();
      if (!nested || standard != null) {
        into.put(key, standard == null ? "" : standard.value());
      }
      if (nested) {
        keys(list ? key + "[]" : key, (Class<?>) element, into);
      }
    }
  }
}
