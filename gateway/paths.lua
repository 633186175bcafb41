-- What is served at a path, and what a query may say there. PATHS comes before
-- this text: gateway/paths.py says how it is made.

-- Puts the methods of every template that a path fits into `found`, the one
-- that the transcoder takes first.
local function collect(node, segments, at, action, found)
  if at > #segments then
    local methods = node.ends and node.ends[action]
    if methods ~= nil then
      found[#found + 1] = methods
    end
    return
  end
  local literal = node.literals and node.literals[segments[at]]
  if literal ~= nil then
    collect(literal, segments, at + 1, action, found)
  end
  if node.any ~= nil then
    collect(node.any, segments, at + 1, action, found)
  end
end

local function methods_at(path)
  local bare = path:match("^[^?]*"):gsub("/+$", "")
  local head, action = bare:match("^(.*):([^:/]*)$")
  local segments, found = {}, {}
  for segment in (head or bare):gmatch("[^/]+") do
    segments[#segments + 1] = segment
  end
  collect(PATHS, segments, 1, action or "", found)
  return found
end

-- The rule of a call; nil for a method that the path does not take, with those
-- that it takes, and nothing at all where nothing is served.
local function served(path, method)
  local found = methods_at(path)
  local names = {}
  for _, methods in ipairs(found) do
    if methods[method] ~= nil then
      return methods[method]
    end
    for name in pairs(methods) do
      names[#names + 1] = name
    end
  end
  if #names == 0 then
    return nil, nil
  end
  table.sort(names)
  return nil, table.concat(names, ", ")
end

local function unescaped(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- A name as it is meant, safe to repeat.
local function quoted(name)
  return (unescaped(name):sub(1, 60):gsub("[^%w_%.%-]", "?"))
end

-- Tells whether one of two dotted names is the other or a member of it.
local function overlap(one, other)
  local shorter, longer = one .. ".", other .. "."
  if #shorter > #longer then
    shorter, longer = longer, shorter
  end
  return longer:sub(1, #shorter) == shorter
end

local function is_taken(rule, name)
  local plain = unescaped(name):gsub("_", ""):lower()
  for _, taken in ipairs(rule.taken) do
    if overlap(plain, taken) then
      return true
    end
  end
  return false
end

-- What is wrong with a query as `name: words`, nil when nothing is.
local function fault_in_query(rule, path)
  local query = path:match("%?(.*)$")
  if query == nil or rule.taken == nil then
    return nil
  end
  for piece in query:gmatch("[^&]+") do
    local name = piece:match("^[^=]*")
    if is_taken(rule, name) then
      return quoted(name) .. ": is said by the path or the body, never by the query"
    end
    if rule.known ~= nil then
      if rule.names == "" then
        return quoted(name) .. ": no such field; this call takes no query parameters"
      elseif rule.known[name] == nil then
        return quoted(name) .. ": no such field; the query may have " .. rule.names
      elseif not piece:find("=", 1, true) then
        return quoted(name) .. ": has no value"
      end
    end
  end
  return nil
end
